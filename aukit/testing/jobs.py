"""Functions for the checks of executors, where worker processes can import them."""

from __future__ import annotations

import time


def slower_first(number: int) -> int:
    """The square; the first items take longest."""
    time.sleep(0.05 if number < 2 else 0)
    return number * number


def fail_at_three(number: int) -> int:
    """The number; three raises."""
    if number == 3:
        raise ValueError("three is refused")
    return number
