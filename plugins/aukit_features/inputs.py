"""Scaling and principal components of a ridge's inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_STEPS = 2  # of subspace iteration: the spectrum of features falls slowly
_LEAST = 1e-4


def scales(rows: Tensor, blocks: Sequence[int]) -> Tensor:
    """(D,) factors that give every block of columns the same total variance.

    Columns are scaled to unit variance and divided by the square root of the block size, so that
    136 landmark coordinates weigh as much as a feature map with thousands of values.

    Args:
        rows: (N, D).
        blocks: number of columns of each block, D in all.
    """
    spread = rows.std(0, unbiased=False)
    sizes = torch.cat([torch.full((size,), float(size)) for size in blocks]).to(rows)
    return torch.where(spread > _LEAST, 1 / (spread * sizes.sqrt()), 0.0)


def components(rows: Tensor, most: int, seed: int) -> Tensor:
    """(D, K) orthonormal principal axes of centred (N, D) rows, at most `most` of them.

    Randomized subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4).
    """
    count = min(most, *rows.shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        axes: Tensor = torch.svd_lowrank(rows, q=count, niter=_STEPS)[2]
    return axes
