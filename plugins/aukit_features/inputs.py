"""Scaling and principal components of a ridge's inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit_features.rows import Rows

_STEPS = 2  # of subspace iteration: the spectrum of features falls slowly
_LEAST = 1e-4


def scales(spread: Tensor, blocks: Sequence[int]) -> Tensor:
    """(D,) factors that give every block of columns the same total variance.

    Columns are scaled to unit variance and divided by the square root of the block size, so that
    136 landmark coordinates weigh as much as a feature map with thousands of values.

    Args:
        spread: (D,) standard deviation of each column.
        blocks: number of columns of each block, D in all.
    """
    sizes = torch.cat([torch.full((size,), float(size)) for size in blocks]).to(spread)
    return torch.where(spread > _LEAST, 1 / (spread * sizes.sqrt()), 0.0)


def components(rows: Rows, middle: Tensor, scale: Tensor, most: int, seed: int) -> Tensor:
    """(D, K) orthonormal principal axes of (N, D) rows, at most `most` of them.

    Randomized subspace iteration with a final projection (Halko, Martinsson and Tropp 2011,
    algorithm 4.4 and section 5.1), on the covariance of the rows, which is never formed.

    Args:
        rows: N rows.
        middle: (D,) their mean, which is subtracted.
        scale: (D,) factors of the columns after that.
        most: largest K.
        seed: of the first guess.
    """
    count = min(most, len(rows), rows.width)
    generator = torch.Generator().manual_seed(seed)
    axes: Tensor = torch.linalg.qr(torch.randn(rows.width, count, generator=generator))[0]
    for _ in range(_STEPS):
        axes = torch.linalg.qr(_spread(rows, middle, scale, axes))[0]
    within = axes.T @ _spread(rows, middle, scale, axes)
    turn: Tensor = torch.linalg.eigh((within + within.T) / 2)[1]
    return axes @ turn.flip(1)


def _spread(rows: Rows, middle: Tensor, scale: Tensor, axes: Tensor) -> Tensor:
    """(D, K) the rows' covariance, times N, applied to axes."""
    total = torch.zeros_like(axes)
    for block in rows.blocks():
        centred = (block - middle) * scale
        total.addmm_(centred.T, centred @ axes)
    return total
