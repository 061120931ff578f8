"""Smooth random fields in space, for mottled skin, strands of hair and folds."""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor
from torch.nn import functional

from aukit_avatars.randomness import uniform

_PERIOD = 32
"""Grid points after which a field repeats."""

_FINE = 3
"""Stored values a grid point; between them the blend is linear."""


def value_noise(points: Tensor, cell: float, seed: int) -> Tensor:
    """Random numbers on a grid, blended smoothly in between.

    Args:
        points: (N, 2 or 3) float32.
        cell: distance of the grid points, in the unit of the points.
        seed: another seed looks at another place of the field.

    Returns:
        (N,) float32 in [-1, 1].
    """
    shift = uniform(torch.tensor([seed]), "noise", 3)[0, : points.shape[1]] * _PERIOD
    place = torch.remainder(points / cell + shift.to(points.device), _PERIOD)
    place = functional.pad(place, (0, 3 - points.shape[1])) * (2 / _PERIOD) - 1
    volume = _field().to(points.device)[None, None]
    return functional.grid_sample(volume, place[None, :, None, None], align_corners=True).flatten()


def layered_noise(points: Tensor, cell: float, octaves: int, seed: int) -> Tensor:
    """(N,) sum of octaves, each at half the cell and amplitude, about -1..1."""
    layers = (
        value_noise(points, cell / 2**octave, seed + octave) / 2**octave
        for octave in range(octaves)
    )
    return sum(layers, points.new_zeros(len(points))) / (2 - 2.0 ** (1 - octaves))


@cache
def _field() -> Tensor:
    """A cube of (_PERIOD * _FINE + 1) values an edge, periodic, in [-1, 1]."""
    values = uniform(torch.tensor([0]), "field", _PERIOD**3).view(3 * (_PERIOD,)) * 2 - 1
    for axis in range(3):
        values = _refine(values, axis)
    return values


def _refine(values: Tensor, axis: int) -> Tensor:
    """Put smooth steps between neighbours along one axis, and repeat the first value at the end."""
    following = values.roll(-1, axis)
    steps = [values.lerp(following, _smooth(step / _FINE)) for step in range(_FINE)]
    finer = torch.stack(steps, dim=axis + 1).flatten(axis, axis + 1)
    return torch.cat([finer, finer.narrow(axis, 0, 1)], dim=axis)


def _smooth(share: float) -> float:
    return share * share * (3 - 2 * share)
