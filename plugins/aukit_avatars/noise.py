"""Smooth random fields in space, for mottled skin, strands of hair and blurred rooms."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit_avatars.randomness import bits


def value_noise(points: Tensor, cell: float, seed: int) -> Tensor:
    """Random numbers on a grid, blended smoothly in between.

    Args:
        points: (N, D) float32.
        cell: distance of the grid points, in the unit of the points.
        seed: another seed gives an independent field.

    Returns:
        (N,) float32 in [-1, 1].
    """
    scaled = points / cell
    corner = scaled.floor()
    blend = _smooth(scaled - corner)
    total = points.new_zeros(len(points))
    for step in _corners(points.shape[1], points.device):
        weight = (blend * step + (1 - blend) * (1 - step)).prod(1)
        total += weight * _lattice((corner + step).long(), seed)
    return total


def layered_noise(points: Tensor, cell: float, octaves: int, seed: int) -> Tensor:
    """(N,) sum of octaves, each at half the cell and amplitude, about -1..1."""
    layers = (
        value_noise(points, cell / 2**octave, seed + octave) / 2**octave
        for octave in range(octaves)
    )
    return sum(layers, points.new_zeros(len(points))) / (2 - 2.0 ** (1 - octaves))


def _smooth(value: Tensor) -> Tensor:
    return value * value * (3 - 2 * value)


def _corners(dimensions: int, device: torch.device) -> Tensor:
    """(2 ** D, D) float32 of zeros and ones."""
    number = torch.arange(2**dimensions, device=device)[:, None]
    return (number >> torch.arange(dimensions, device=device) & 1).float()


def _lattice(cells: Tensor, seed: int) -> Tensor:
    """(N,) in [-1, 1], a hash of the cell."""
    primes = torch.tensor([73856093, 19349663, 83492791], device=cells.device)
    mixed = (cells * primes[: cells.shape[1]]).sum(1) + seed * 2654435761
    return (bits(mixed, 1)[:, 0] >> 40).float() / (1 << 23)
