"""Handling of whatever plugins may raise, including what is not an `Exception`.

A plugin that calls `sys.exit`, or whose compiled code panics, is at fault just like one that raises
a ValueError. Only the user's interrupt, which can arrive anywhere, is not a fault; it is passed on.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

_LONGEST = 300


class Interrupted(KeyboardInterrupt):
    """The user's interrupt (Ctrl-C), not a KeyboardInterrupt that a plugin raises."""


def interrupt(number: int, frame: FrameType | None) -> None:
    """Signal handler for a clean shutdown.

    Raises:
        Interrupted: always.
    """
    raise Interrupted


@contextlib.contextmanager
def interrupts_told_apart() -> Iterator[None]:
    """Within the block, Ctrl-C raises `Interrupted`, unless another handler is installed."""
    ours = threading.current_thread() is threading.main_thread()
    ours = ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if ours:
        signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def is_interrupt(error: BaseException) -> bool:
    """Whether the user interrupted; outside `interrupts_told_apart`, any KeyboardInterrupt
    counts."""
    if isinstance(error, Interrupted):
        return True
    unknown = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return isinstance(error, KeyboardInterrupt) and unknown


def reason(error: BaseException) -> str:
    """`ValueError: its text` on one line of bounded length, even if `str()` fails."""
    kind = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except BaseException as fault:
        if is_interrupt(fault):
            raise
        text = "(no message available)"
    return f"{kind}: {text[:_LONGEST]}" if text else kind
