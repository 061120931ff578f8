"""What plugins may raise: anything, also what is no `Exception`, also without a text.

A plugin that calls `sys.exit`, or whose compiled part panics, is at fault like one that raises a
ValueError. Only an interrupt by the user, which arrives wherever Python happens to be, is no one's
fault and is passed on.
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
    """Handler of the signals that mean: end, in good order.

    Raises:
        Interrupted: always.
    """
    raise Interrupted


@contextlib.contextmanager
def interrupts_told_apart() -> Iterator[None]:
    """Within the block a Ctrl-C raises `Interrupted`, unless somebody else handles it already."""
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
    """Whether the user interrupted; where the two cannot be told apart, any KeyboardInterrupt."""
    if isinstance(error, Interrupted):
        return True
    unknown = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return isinstance(error, KeyboardInterrupt) and unknown


def reason(error: BaseException) -> str:
    """`ValueError: its text` in one line of bounded length, also where no text can be made."""
    kind = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except BaseException as fault:
        if is_interrupt(fault):
            raise
        text = "(its text cannot be made)"
    return f"{kind}: {text[:_LONGEST]}" if text else kind
