"""What a process owes to the one that started it: to end with it, and not to start it again."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable

from aukit.errors import ConfigError

STDIN_IS_PARENT = "AUKIT_STDIN_IS_PARENT"
"""Environment variable: standard input is a pipe that ends when the parent process does."""


def end_worker_with_parent() -> None:
    """In a worker of `multiprocessing`: end when the parent is gone, even if it was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        _end_after(parent.join)


def end_with_stdin() -> None:
    """Where the parent asked for it (`STDIN_IS_PARENT`), end when standard input does."""
    # Taken out, since what this process starts has a standard input of its own.
    if os.environ.pop(STDIN_IS_PARENT, None):
        _end_after(lambda: os.read(0, 1))


def _end_after(wait: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        os._exit(1)  # at once, like the parent: whatever is half done lies aside

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def refuse_while_imported_by_worker() -> None:
    """Refuse to start what a worker process runs into as it imports the script of its parent.

    Raises:
        ConfigError: this process is such a worker.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigError(
            "a worker process imports the script that started it, which starts a run again",
            GUARD,
        )


GUARD = "in a script, start runs below `if __name__ == '__main__':`"
