"""AUs move the points that FACS says they move, on any face, and flesh does not pass flesh."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from aukit.errors import ConfigError
from aukit_avatars.actions import AUS, Face, check, strengths
from aukit_avatars.head import Head
from aukit_avatars.people import sample_person

LID_PAIRS = ((37, 41), (38, 40), (43, 47), (44, 46))
X, Y, Z = range(3)

# What a coder looks for: (AU, landmarks of both sides, axis, sign of the motion); "out" is away
# from the midline.
MOTIONS = [
    ("AU01", (21, 22), Y, 1),
    ("AU02", (17, 18, 25, 26), Y, 1),
    ("AU04", (20, 21, 22, 23), Y, -1),
    ("AU04", (21, 22), "out", -1),
    ("AU05", (37, 38, 43, 44), Y, 1),
    ("AU06", (40, 41, 46, 47), Y, 1),
    ("AU07", (40, 41, 46, 47), Y, 1),
    ("AU09", (31, 35), Y, 1),
    ("AU10", (50, 51, 52), Y, 1),
    ("AU12", (48, 54), Y, 1),
    ("AU12", (48, 54), "out", 1),
    ("AU14", (48, 54), "out", 1),
    ("AU15", (48, 54), Y, -1),
    ("AU17", (57,), Y, 1),
    ("AU20", (48, 54), "out", 1),
    ("AU25", (66,), Y, -1),
    ("AU26", (8,), Y, -1),
    ("AU28", (57,), Y, 1),
]


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


@pytest.fixture(scope="module")
def people(head: Head) -> Tensor:
    return torch.stack(
        [sample_person(head, 5, f"p{k}", k % 2 == 0).identity for k in range(12)]
    )  # fmt: skip


def points(head: Head, identity: Tensor, levels: Tensor) -> Tensor:
    """(B, 68, 3) landmarks of people with expressions."""
    strength = strengths(levels)[..., None].expand(-1, -1, 2)
    weights = Face(head).weights(identity, strength)
    return head.move(head.neutral(identity), weights)[:, head.landmarks68]


def single(au: str, level: float, count: int) -> Tensor:
    levels = torch.zeros(count, len(AUS))
    levels[:, AUS.index(au)] = level
    return levels


@pytest.mark.parametrize(("au", "landmarks", "axis", "sign"), MOTIONS)
def test_landmarks_move_as_facs_says_and_more_with_the_level(
    head: Head, people: Tensor, au: str, landmarks: tuple[int, ...], axis: int | str, sign: int
) -> None:
    rest = points(head, people, single(au, 0, len(people)))
    half = points(head, people, single(au, 3, len(people)))
    full = points(head, people, single(au, 5, len(people)))
    for index in landmarks:
        outwards = 1.0 if rest[0, index, X] > 0 else -1.0
        column, factor = (X, outwards) if axis == "out" else (int(axis), 1.0)
        small = (half - rest)[:, index, column] * factor * sign
        large = (full - rest)[:, index, column] * factor * sign
        assert (small > 0).all()
        assert (large > small).all()
        assert (large > 0.03).all()  # centimetres


def test_aus_leave_the_rest_of_the_face_alone(head: Head, people: Tensor) -> None:
    rest = points(head, people, single("AU01", 0, len(people)))
    brows = (points(head, people, single("AU01", 5, len(people))) - rest).norm(dim=-1)
    mouth = (points(head, people, single("AU12", 5, len(people))) - rest).norm(dim=-1)
    assert brows[:, 48:].max() < 0.01
    assert mouth[:, 17:27].max() < 0.05  # centimetres


@settings(max_examples=40)
@given(
    levels=st.lists(st.floats(0, 5), min_size=len(AUS), max_size=len(AUS)),
    person=st.integers(0, 11),
)
def test_closed_eyes_are_closed_and_lips_never_pass(
    head: Head, people: Tensor, levels: list[float], person: int
) -> None:
    wanted = torch.tensor([levels])
    wanted[0, AUS.index("AU43")] = 5
    found = points(head, people[person : person + 1], wanted)[0]
    lids = [float(found[u, Y] - found[low, Y]) for u, low in LID_PAIRS]
    assert max(lids[:2]) < 0.1  # an identity tilts the eye, but no slit stays open
    assert sum(lids) == pytest.approx(-0.12, abs=0.12)
    lips = sum(float(found[u, Y] - found[low, Y]) for u, low in ((61, 67), (62, 66), (63, 65)))
    assert lips > -0.01


def test_lips_at_rest_touch_on_any_face(head: Head, people: Tensor) -> None:
    found = points(head, people, torch.zeros(len(people), len(AUS)))
    gaps = found[:, [61, 62, 63], Y] - found[:, [67, 66, 65], Y]
    assert gaps.mean(1).abs().max() < 1e-3


@given(st.floats(0, 5), st.floats(0, 5))
def test_strength_is_monotone(one: float, other: float) -> None:
    low, high = strengths(torch.tensor([min(one, other), max(one, other)]).double())
    assert 0 <= low <= high <= 1
    assert strengths(torch.tensor([0.0, 5.0])).tolist() == [0.0, 1.0]


def test_sides_are_separate(head: Head, people: Tensor) -> None:
    strength = torch.zeros(1, len(AUS), 2)
    strength[0, AUS.index("AU12"), 0] = 1
    identity = people[:1]
    moved = head.move(head.neutral(identity), Face(head).weights(identity, strength))
    rest = head.move(
        head.neutral(identity), Face(head).weights(identity, torch.zeros_like(strength))
    )
    shift = (moved - rest)[0, head.landmarks68].norm(dim=-1)
    assert shift[54] > 0.5  # the person's left, on the right of the picture
    assert shift[48] < 0.1


def test_an_au_that_avatars_lack_is_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="avatars do not have AU18"):
        check(("AU12", "AU18"), torch.zeros(1, 2))


@pytest.mark.parametrize("level", [-0.5, 5.5, float("nan"), 9.0])
def test_a_level_outside_the_scale_is_one_clear_error(level: float) -> None:
    with pytest.raises(ConfigError, match=r"outside 0\.\.5"):
        check(("AU12",), torch.tensor([[level]]))
