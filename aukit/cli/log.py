"""Logging of warnings and run events: to standard error, and to a file if one is given."""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from aukit.errors import StorageError

_LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


@contextlib.contextmanager
def logged(level: str | None, file: Path | None) -> Iterator[None]:
    """Show messages of the enclosed block from a level on, and append them to a file.

    Args:
        level: `debug`, `info`, `warning` or `error`; None shows warnings and writes from `info` on.
        file: file to append to, with times; None for none. An error that ends the block is written
            with its traceback.

    Raises:
        StorageError: the file cannot be written.
    """
    shown = logging.StreamHandler(sys.stderr)
    shown.setLevel((level or "warning").upper())
    handlers: list[logging.Handler] = [shown]
    if file is not None:
        handlers.append(_to(file, level or "info"))
    root = logging.getLogger()
    before = root.level
    root.setLevel(min(handler.level for handler in handlers))
    for handler in handlers:
        root.addHandler(handler)
    try:
        yield
    except click.exceptions.Exit:  # raised by --help and by commands that set an exit code
        raise
    except Exception as error:
        shown.setLevel(logging.CRITICAL)  # the caller reports it
        root.error("%s", error, exc_info=error)
        raise
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()


def _to(file: Path, level: str) -> logging.Handler:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.FileHandler(file, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise StorageError(
            f"cannot write the log {file}: {error.strerror}", "choose another --log-file"
        ) from error
    handler.setLevel(level.upper())
    handler.setFormatter(logging.Formatter(_LINE))
    return handler
