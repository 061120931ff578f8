"""Face tracks: identifies faces across successive frames."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


class Tracker:
    """Assigns track numbers to the boxes of successive frames.

    Pairs of tracks and boxes are joined in order of overlap. A track without a box keeps its last
    one for a while, so that a face is found again after a short gap.

    Args:
        min_overlap: smallest intersection over union of a face with its last box.
        patience: frames a track survives without a box.
    """

    def __init__(self, min_overlap: float = 0.3, patience: int = 15) -> None:
        self._min_overlap = min_overlap
        self._patience = patience
        self._boxes: dict[int, Tensor] = {}
        self._missed: dict[int, int] = {}
        self._next = 0

    def update(self, boxes: Tensor) -> list[int]:
        """Track numbers, counted from 0, of the (n, 4) boxes x0 y0 x1 y1 of the next frame."""
        numbers = self._join(boxes)
        for row in range(len(boxes)):
            if row not in numbers:
                numbers[row] = self._next
                self._next += 1
        self._remember(boxes, numbers)
        return [numbers[row] for row in range(len(boxes))]

    def _join(self, boxes: Tensor) -> dict[int, int]:
        """Row -> track, greedily by overlap."""
        tracks = list(self._boxes)
        if not tracks or not len(boxes):
            return {}
        overlap = overlaps(torch.stack([self._boxes[track] for track in tracks]), boxes)
        numbers: dict[int, int] = {}
        taken: set[int] = set()
        for pair in overlap.flatten().argsort(descending=True, stable=True).tolist():
            position, row = divmod(pair, len(boxes))
            if overlap[position, row] < self._min_overlap:
                break
            if row not in numbers and tracks[position] not in taken:
                numbers[row] = tracks[position]
                taken.add(tracks[position])
        return numbers

    def _remember(self, boxes: Tensor, numbers: dict[int, int]) -> None:
        self._missed = {track: missed + 1 for track, missed in self._missed.items()}
        for row, track in numbers.items():
            self._boxes[track] = boxes[row]
            self._missed[track] = 0
        for track in [t for t, missed in self._missed.items() if missed > self._patience]:
            del self._boxes[track], self._missed[track]


def track(boxes: Sequence[Tensor], min_overlap: float = 0.3, patience: int = 15) -> list[list[int]]:
    """Track numbers of every box of a whole video, one (n, 4) tensor per frame."""
    tracker = Tracker(min_overlap, patience)
    return [tracker.update(frame) for frame in boxes]


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """(n, m) intersection over union of (n, 4) and (m, 4) boxes x0 y0 x1 y1; NaN of empty pairs."""
    low = torch.maximum(first[:, None, :2], second[:, :2])
    high = torch.minimum(first[:, None, 2:], second[:, 2:])
    shared = (high - low).clamp_min(0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (first, second)]
    return shared / (areas[0][:, None] + areas[1] - shared)
