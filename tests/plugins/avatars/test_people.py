"""Avatars are adults of plausible proportions, each the same wherever it is drawn."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from aukit_avatars.actions import AUS
from aukit_avatars.head import Head
from aukit_avatars.people import OLDEST, YOUNGEST, Person, sample_person


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


@pytest.fixture(scope="module")
def crowd(head: Head) -> list[Person]:
    return [sample_person(head, 0, f"crowd/{k}", k % 2 == 0) for k in range(120)]


@pytest.fixture(scope="module")
def faces(head: Head, crowd: list[Person]) -> Tensor:
    neutral = head.neutral(torch.stack([person.identity for person in crowd]))
    return neutral[:, head.landmarks68]


def test_a_person_depends_on_seed_and_name_only(head: Head, crowd: list[Person]) -> None:
    again = sample_person(head, 0, "crowd/7", female=False)
    assert torch.equal(again.identity, crowd[7].identity)
    assert again.appearance == crowd[7].appearance
    other = sample_person(head, 1, "crowd/7", female=False)
    assert not torch.equal(other.identity, crowd[7].identity)


def test_ages_and_sexes_span_the_adults(crowd: list[Person]) -> None:
    ages = [person.age for person in crowd]
    assert YOUNGEST <= min(ages) < 22
    assert 68 < max(ages) <= OLDEST
    assert all((person.female > 0.5) == (k % 2 == 0) for k, person in enumerate(crowd))
    origins = torch.stack([person.origin for person in crowd])
    assert torch.allclose(origins.sum(1), torch.ones(len(crowd)))
    assert (origins.mean(0) > 0.2).all()


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [  # centimetres, wide bounds of adult anthropometry (Farkas 1994)
        (36, 45, 7.0, 11.5),  # outer eye corners
        (39, 42, 2.0, 4.8),  # inner eye corners
        (31, 35, 1.2, 5.5),  # nostrils
        (48, 54, 3.0, 8.0),  # mouth
        (27, 8, 8.5, 15.5),  # bridge of the nose to the chin
        (3, 13, 9.0, 16.5),  # jaw
    ],
)
def test_proportions_are_human(
    faces: Tensor, first: int, second: int, low: float, high: float
) -> None:
    distance = (faces[:, first] - faces[:, second]).norm(dim=-1)
    assert distance.min() > low
    assert distance.max() < high
    assert distance.std() > 0.02 * distance.mean()  # people differ


def test_no_two_people_look_alike(faces: Tensor) -> None:
    flat = faces.flatten(1)
    distance = torch.cdist(flat, flat) / 68**0.5
    nearest = (distance + 100 * torch.eye(len(flat))).min()
    assert nearest > 0.1  # centimetres a landmark


def test_expressivity_is_personal_and_nearly_symmetric(crowd: list[Person]) -> None:
    strength = torch.stack([person.expressivity for person in crowd])
    assert strength.shape == (len(crowd), len(AUS), 2)
    assert strength.min() >= 0.75
    assert strength.max() <= 1.2
    assert 0.01 < (strength[..., 0] - strength[..., 1]).abs().mean() < 0.15
