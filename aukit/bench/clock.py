"""Times of pieces of work that are compared: taken in turns, the least of several rounds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from aukit.progress import SilentBar

WARM_STEPS = 3
"""Steps of a fit before the clock starts: memory is found and networks are compiled in them."""


@dataclass(frozen=True)
class Clock:
    """Seconds on a device: of this process's processors, or of the wall for accelerators.

    Processor time hardly depends on what else the machine does; it counts all threads.

    Attributes:
        device: torch device name.
    """

    device: str

    def __call__(self) -> float:
        """Now, when all that was asked of the device is done."""
        if self.device == "cpu":
            return time.process_time()
        torch.accelerator.synchronize()
        return time.perf_counter()

    def least(self, works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
        """The least seconds of each piece of work; a round before does not count."""
        best = [math.inf] * len(works)
        for number in range(rounds + 1):
            for place, work in enumerate(works):
                start = self()
                work()
                if number:
                    best[place] = min(best[place], self() - start)
        return best


class Enough(Exception):
    """Ends a fit that has been measured."""


class StepClock:
    """A listener (`aukit.progress.Progress`) that measures the steps of a fit, and then ends it.

    Args:
        clock: of the fit's device.
        steps: how many to measure, after `WARM_STEPS`.

    Attributes:
        seconds: of a step; NaN before it was measured.
    """

    def __init__(self, clock: Clock, steps: int) -> None:
        self.clock, self.steps = clock, steps
        self.seconds = math.nan
        self._done, self._start = 0, 0.0

    def start(self, name: str, total: int | None = None) -> SilentBar:
        """A piece of work begins."""
        return _StepBar(self)

    def advance(self, n: int) -> None:
        """`n` steps are done.

        Raises:
            Enough: all steps are measured.
        """
        before, self._done = self._done, self._done + n
        if before < WARM_STEPS <= self._done:
            self._start = self.clock()
        if self._done >= WARM_STEPS + self.steps:
            self.seconds = (self.clock() - self._start) / (self._done - WARM_STEPS)
            raise Enough


class _StepBar(SilentBar):
    def __init__(self, steps: StepClock) -> None:
        self._steps = steps

    def advance(self, n: int = 1) -> None:
        self._steps.advance(n)
