"""Timing of work to be compared: interleaved, minimum over several rounds."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from aukit.progress import SilentBar

WARM_STEPS = 3
"""Warm-up steps of a fit before timing, for memory allocation and compilation."""


@dataclass(frozen=True)
class Clock:
    """Seconds on a device: processor time on the CPU, wall-clock time on accelerators.

    Processor time includes all threads, and other load on the machine hardly affects it.

    Attributes:
        device: torch device name.
    """

    device: str

    def __call__(self) -> float:
        """The current time, after all work on the device has finished."""
        if self.device == "cpu":
            return time.process_time()
        torch.accelerator.synchronize()
        return time.perf_counter()

    def least(self, works: Sequence[Callable[[], object]], rounds: int) -> list[float]:
        """The minimum seconds of each piece of work, after a warm-up round."""
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
    """A `aukit.progress.Progress` that times the steps of a fit and then ends it.

    Args:
        clock: clock of the fit's device.
        steps: number of steps to measure, after `WARM_STEPS`.

    Attributes:
        seconds: seconds per step; NaN before they are measured.
    """

    def __init__(self, clock: Clock, steps: int) -> None:
        self.clock, self.steps = clock, steps
        self.seconds = math.nan
        self._done, self._start = 0, 0.0

    def start(self, name: str, total: int | None = None) -> SilentBar:
        """Start a task."""
        return _StepBar(self)

    def advance(self, n: int) -> None:
        """Advance by `n` steps.

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
