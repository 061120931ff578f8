"""Avatars as people: a shape, a way of moving, and the seed of an appearance.

A person depends only on the seed and the person's name.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from aukit.seeds import seed_of
from aukit_avatars.actions import AUS
from aukit_avatars.head import Head

ORIGINS = ("african", "asian", "caucasian")
YOUNGEST, OLDEST = 18.0, 78.0
_AGE_YOUNG, _AGE_OLD = 25.0, 90.0  # what MakeHuman's young and old corners stand for

# Standard deviation of the local axes, where it is not the usual one.
_SPREAD = 0.24
_NOSE_SPREAD = 0.17  # its many axes add up
_SPREADS = {
    "chin-jaw-drop": 0.15, "chin-cleft": 0.4, "head-age": 0.1, "head-fat": 0.2, "head-depth": 0.15,
    "head-height": 0.12, "head-width": 0.18, "forehead-height": 0.12, "head-back": 0.2,
    "mouth-angles": 0.15, "mouth-level": 0.2, "mouth-laugh-lines": 0.2,
    "neck-width": 0.15, "eye-opening": 0.2, "eye-level": 0.15, "eye-epicanthus": 0.35,
    "brow-level": 0.25, "forehead-nubian": 0.2, "ear-wing": 0.4, "ear-size": 0.35,
}  # fmt: skip
_LIMIT = 0.8  # MakeHuman's axes are caricatures at 1
_ASYMMETRY = 0.15


@dataclass(frozen=True, eq=False)
class Person:
    """One avatar.

    Attributes:
        name: unique within a seed, e.g. `train/F001`.
        female: 0..1, how female the shape is.
        age: years.
        origin: (3,) float32 that sums to 1: shares of MakeHuman's regional shapes, as in `ORIGINS`.
        identity: (I,) float32 coefficients for `Head.neutral`.
        expressivity: (AUs, 2) float32 about 1: the strength that this person's left and right side
            show at full intensity. No one moves like the average, and no one symmetrically.
        appearance: seed of skin, brows, eyes and hair.
    """

    name: str
    female: float
    age: float
    origin: Tensor
    identity: Tensor
    expressivity: Tensor
    appearance: int


def sample_person(head: Head, seed: int, name: str, female: bool) -> Person:
    """Draw an adult.

    Args:
        head: gives the names of the identity axes.
        seed: of the dataset.
        name: of the person, unique within the dataset.
        female: the sex that the shape leans to.
    """
    generator = torch.Generator().manual_seed(seed_of(seed, "person", name))
    lean = 0.7 + 0.3 * _uniform(generator)
    femininity = lean if female else 1 - lean
    age = YOUNGEST + (OLDEST - YOUNGEST) * _uniform(generator) ** 1.4
    origin = _shares(generator, len(ORIGINS), concentration=0.35)
    return Person(
        name=name,
        female=femininity,
        age=age,
        origin=origin,
        identity=_identity(head, generator, femininity, age, origin),
        expressivity=_expressivity(generator),
        appearance=seed_of(seed, "appearance", name),
    )


def _identity(
    head: Head, generator: Generator, female: float, age: float, origin: Tensor
) -> Tensor:
    coefficients = torch.zeros(len(head.identity_names))
    old = min(max((age - _AGE_YOUNG) / (_AGE_OLD - _AGE_YOUNG), 0.0), 1.0)
    weight, muscle = (0.4 * torch.randn(2, generator=generator)).clamp(-0.9, 0.9).tolist()
    for sex, sex_share in (("female", female), ("male", 1 - female)):
        for stage, stage_share in (("young", 1 - old), ("old", old)):
            share, corner = sex_share * stage_share, f"{sex}-{stage}"
            for name, part in zip(ORIGINS, origin.tolist(), strict=True):
                coefficients[head.identity_index[f"{name}-{corner}"]] = share * part
            build = "heavy" if weight > 0 else "light"
            tone = "muscular" if muscle > 0 else "slack"
            coefficients[head.identity_index[f"{build}-{corner}"]] = share * abs(weight)
            coefficients[head.identity_index[f"{tone}-{corner}"]] = share * abs(muscle)
    _add_local(head, generator, coefficients)
    return coefficients


def _add_local(head: Head, generator: Generator, coefficients: Tensor) -> None:
    forms = [row for row, name in enumerate(head.identity_names) if _is_form(name)]
    coefficients[forms] = 0.35 * _uniform(generator) * _shares(generator, len(forms), 0.5)
    positive = [row for row, name in enumerate(head.identity_names) if name.endswith("+")]
    spread = torch.tensor([_spread(head.identity_names[row][:-1]) for row in positive])
    values = spread * torch.randn(len(positive), generator=generator)
    values = values.clamp(-_LIMIT, _LIMIT)
    rows = torch.tensor(positive)
    coefficients[rows] = values.clamp_min(0)
    coefficients[rows + 1] = (-values).clamp_min(0)


def _spread(axis: str) -> float:
    if axis.startswith("asymmetry-"):
        return _ASYMMETRY
    return _NOSE_SPREAD if axis.startswith("nose-") else _SPREADS.get(axis, _SPREAD)


def _is_form(name: str) -> bool:
    return name.startswith("head-") and name[-1] not in "+-"


def _expressivity(generator: Generator) -> Tensor:
    person = 1 + 0.1 * torch.randn(len(AUS), 1, generator=generator)
    side = 0.05 * torch.randn(len(AUS), 1, generator=generator)
    return (person + torch.cat([side, -side], 1)).clamp(0.75, 1.2)


def _uniform(generator: Generator) -> float:
    return float(torch.rand((), generator=generator))


def _shares(generator: Generator, count: int, concentration: float) -> Tensor:
    """(count,) that sum to 1: a softmax of normals, nearly one-hot for a low concentration."""
    return torch.softmax(torch.randn(count, generator=generator) / concentration, 0)
