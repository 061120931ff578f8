"""Ties a process to its parent: it ends with the parent, and does not rerun the parent's script."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable

from aukit.errors import ConfigError

STDIN_IS_PARENT = "AUKIT_STDIN_IS_PARENT"
"""Environment variable: standard input is a pipe that closes when the parent process ends."""


def end_worker_with_parent() -> None:
    """End a `multiprocessing` worker when its parent is gone, even if the parent was killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        _end_after(parent.join)


def end_with_stdin() -> None:
    """If the parent set `STDIN_IS_PARENT`, end when standard input closes."""
    # Removed, since child processes have their own standard input.
    if os.environ.pop(STDIN_IS_PARENT, None):
        _end_after(lambda: os.read(0, 1))


def _end_after(wait: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        os._exit(1)  # at once, like the parent: unfinished files are only temporary ones

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def refuse_while_imported_by_worker() -> None:
    """Refuse to start a run in a worker process that is importing its parent's script.

    Raises:
        ConfigError: this process is such a worker.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise ConfigError(
            "a worker process imported the script that started it, which would start another run",
            GUARD,
        )


GUARD = "in scripts, start runs under `if __name__ == '__main__':`"
