from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.ops import box_iou

from aukit.vision.tracking import Tracker, overlaps, track


def box(x: float, y: float, side: float = 10) -> list[float]:
    return [x, y, x + side, y + side]


def boxes(*rows: list[float]) -> torch.Tensor:
    return torch.tensor(rows).reshape(-1, 4)


@given(order=st.lists(st.permutations([0, 1, 2]), min_size=2, max_size=12))
def test_tracks_follow_people_whatever_the_order(order: list[list[int]]) -> None:
    people = [(0.0, 0.0), (50.0, 0.0), (0.0, 50.0)]
    frames = [
        boxes(*[box(people[p][0] + 2 * t, people[p][1] + t) for p in permutation])
        for t, permutation in enumerate(order)
    ]
    person_of = {}
    for permutation, numbers in zip(order, track(frames), strict=True):
        assert len(set(numbers)) == 3
        for person, number in zip(permutation, numbers, strict=True):
            assert person_of.setdefault(number, person) == person
    assert len(person_of) == 3


def test_the_larger_overlap_wins() -> None:
    tracker = Tracker()
    assert tracker.update(boxes(box(0, 0))) == [0]
    assert tracker.update(boxes(box(3, 0), box(1, 0))) == [1, 0]


def test_a_face_that_appears_starts_a_track() -> None:
    tracker = Tracker()
    assert tracker.update(boxes()) == []
    assert tracker.update(boxes(box(0, 0))) == [0]
    assert tracker.update(boxes(box(0, 0), box(100, 0))) == [0, 1]


def test_patience() -> None:
    for gap, number in ((3, 0), (4, 1)):
        tracker = Tracker(patience=3)
        tracker.update(boxes(box(0, 0)))
        for _ in range(gap):
            assert tracker.update(boxes()) == []
        assert tracker.update(boxes(box(1, 0))) == [number]


def test_far_boxes_are_not_joined() -> None:
    tracker = Tracker(min_overlap=0.5)
    tracker.update(boxes(box(0, 0)))
    assert tracker.update(boxes(box(5, 0))) == [1]  # overlap 1/3


@given(seed=st.integers(0, 10**6), counts=st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_overlaps_are_those_of_torchvision(seed: int, counts: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(seed)
    corners = [torch.rand(count, 4, generator=generator) * 30 for count in counts]
    first, second = (torch.cat([c[:, :2], c[:, :2] + c[:, 2:] + 1], 1) for c in corners)
    torch.testing.assert_close(overlaps(first, second), box_iou(first, second))
