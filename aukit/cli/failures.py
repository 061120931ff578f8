"""Error messages for the user, and exit codes."""

from __future__ import annotations

import errno
import os
import sys

import click
from click.exceptions import NoArgsIsHelpError

from aukit.errors import AukitError, ConfigError, StorageError
from aukit.faults import is_interrupt, reason

INTERRUPTED = 130
"""Exit code that shells use for interrupted programs."""

_STORAGE: dict[int, tuple[str, str]] = {
    errno.ENOSPC: ("the disk is full", "free some space and run the same command again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space and run the same command again"),
    errno.EROFS: ("the file system is read-only", "choose another folder with --output"),
    errno.EACCES: ("permission denied", "choose another folder, or change its permissions"),
    errno.EISDIR: ("there is a folder where a file is to be written", "give the name of a file"),
    errno.ENOTDIR: ("there is a file where a folder should be", "choose another folder"),
    errno.ENAMETOOLONG: ("a file name is too long", "give a shorter one"),
    errno.ELOOP: ("a link points to itself", "give the file itself"),
    errno.EPERM: ("operation not permitted", "choose another folder, or change its permissions"),
}


def explain(error: BaseException) -> tuple[str, int]:
    """One line for the user, and the exit code.

    Args:
        error: the exception that ended the command.
    """
    if isinstance(error, click.Abort):
        # click turns interrupts and EOFError into Abort.
        error = error.__cause__ or KeyboardInterrupt()
    if is_interrupt(error):
        return "interrupted; run the same command again to continue", INTERRUPTED
    if isinstance(error, click.ClickException):
        error = of_click(error)
    elif isinstance(error, OSError):
        error = of_storage(error) or error
    if isinstance(error, AukitError):
        return f"error: {one_line(str(error))}", error.exit_code
    return f"error: {reason(error)} (run again with --debug for the traceback)", 1


def one_line(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def of_storage(error: OSError) -> StorageError | None:
    """The error for a full or unwritable disk; None for other system errors."""
    if error.errno not in _STORAGE:
        return None
    what, hint = _STORAGE[error.errno]
    name = error.filename2 or error.filename  # for a rename, the new name
    place = f": {name}" if name else ""
    return StorageError(f"{what}{place}", hint)


def of_click(error: click.ClickException) -> ConfigError:
    """A usage error of click, reworded where our words are clearer."""
    command = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else ""
    see = f"see `{command} --help`" if command else None
    if isinstance(error, click.NoSuchOption):
        near = f"did you mean '{error.possibilities[0]}'?" if error.possibilities else see
        return ConfigError(f"unknown option '{error.option_name}'", near)
    return ConfigError(error.format_message().rstrip("."), see)


def report(error: BaseException, debug: bool) -> int:
    """Print what went wrong on standard error; of torchrun's processes, only the first to fail.

    Returns:
        the exit code.
    """
    if os.environ.get("WORLD_SIZE", "1") != "1":
        from aukit.machine.processes import await_first_process, first_failure, rank

        ours = first_failure(error).rank == rank()
        code = _print(error, debug) if ours else explain(error)[1]
        await_first_process()
        return code
    return _print(error, debug)


def _print(error: BaseException, debug: bool) -> int:
    if isinstance(error, NoArgsIsHelpError):
        sys.stderr.write(error.format_message() + "\n")  # the whole help
        return error.exit_code
    text, code = explain(error)
    if debug and not isinstance(error, click.ClickException):
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(text + "\n")
    return code
