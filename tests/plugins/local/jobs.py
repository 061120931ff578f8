"""Functions that worker processes can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def square(number: int) -> int:
    return number * number


def slow_first(number: int) -> int:
    time.sleep(0.3 if number == 0 else 0)
    return number


def touch(path: Path) -> str:
    path.touch()
    if path.name == "3":
        raise ValueError("three is wrong")
    return path.name


def where(_: int) -> tuple[int, int]:
    import torch

    time.sleep(0.05)
    return os.getpid(), torch.get_num_threads()


def die(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


class Counts:
    """Remembers how many items it was given."""

    def __init__(self) -> None:
        self.items = 0

    def __call__(self, _: int) -> tuple[int, int]:
        self.items += 1
        return os.getpid(), self.items
