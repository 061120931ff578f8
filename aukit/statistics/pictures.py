"""Similarity of pictures to the true ones: L1, PSNR and SSIM over a region.

All take batches (B, 3, S, S) of uint8 pictures and return one number per picture.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

PEAK = 255.0
ROUNDING = 1 / 12
"""Mean squared error from rounding to integers. uint8 pictures cannot resolve less, so it is the
floor: PSNR is at most 58.9 dB, which equal pictures have."""

WINDOW = 11
RADIUS = WINDOW // 2
SIGMA = 1.5

DIRECTIONS = 32
FOREHEAD = 0.2
"""Height of the forehead above the brows, relative to the distance from chin to brow."""

CHANGED = 8
"""Difference between truth and copied picture, in 0..255, from which a pixel counts as changed."""


def face_region(landmarks: Tensor, size: int) -> Tensor:
    """Pixels within the face: the convex hull of the landmarks and a forehead above the brows.

    The hull is bounded by tangents in 32 directions, so it is up to half a percent wider than
    exact.

    Args:
        landmarks: (B, 68, 2) iBUG points, pixels.
        size: side of the pictures.

    Returns:
        (B, S, S) bool.
    """
    brows, chin = landmarks[:, 17:27], landmarks[:, 8:9]
    points = torch.cat([landmarks, brows + FOREHEAD * (brows - chin)], 1).float()
    angles = torch.arange(DIRECTIONS, device=points.device) * (2 * math.pi / DIRECTIONS)
    directions = torch.stack([angles.cos(), angles.sin()])
    limits = (points @ directions).amax(1)
    axis = torch.arange(size, device=points.device, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    along = torch.stack([x, y], -1) @ directions
    return (along[None] <= limits[:, None, None]).all(-1)


def changed_region(truth: Tensor, copied: Tensor) -> Tensor:
    """(B, S, S) bool: pixels where some channel of the truth differs visibly from the copy."""
    return (truth.int() - copied.int()).abs().amax(1) > CHANGED


def mean_l1(one: Tensor, other: Tensor, region: Tensor) -> Tensor:
    """(B,) float64: mean absolute difference in 0..1 over a region; NaN where it is empty."""
    return similarity(one, other, [region])[:, 0, 0]


def psnr(one: Tensor, other: Tensor, region: Tensor) -> Tensor:
    """(B,) float64: peak signal-to-noise ratio in dB over a region; NaN where it is empty."""
    return similarity(one, other, [region])[:, 0, 1]


def ssim(one: Tensor, other: Tensor, region: Tensor) -> Tensor:
    """(B,) float64: structural similarity over a region; NaN where it is empty.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    TIP 2004: Gaussian window of 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, mean of the three
    channels. As there, the 5 pixels at the border are left out, since they have no full window.
    """
    return similarity(one, other, [region])[:, 0, 2]


def similarity(one: Tensor, other: Tensor, regions: Sequence[Tensor]) -> Tensor:
    """(B, R, 3) float64: `mean_l1`, `psnr` and `ssim` over R regions."""
    first, second = one.double(), other.double()
    absolute = (first - second).abs().mean(1) / PEAK
    squared = (first - second).square().mean(1)
    structural = ssim_map(first, second)
    rows = [
        torch.stack(
            [
                _mean(absolute, region),
                _decibels(_mean(squared, region)),
                _mean(structural, region[:, RADIUS:-RADIUS, RADIUS:-RADIUS]),
            ],
            1,
        )
        for region in regions
    ]
    return torch.stack(rows, 1)


def _decibels(error: Tensor) -> Tensor:
    return 10 * torch.log10(PEAK**2 / error.clamp_min(ROUNDING))


def ssim_map(one: Tensor, other: Tensor) -> Tensor:
    """(B, S - 10, S - 10) float64: structural similarity where a full window fits."""
    one, other = one.double(), other.double()
    blur = _window(one.shape[-1]).to(one.device)
    means = blur.T @ torch.stack([one, other, one * one, other * other, one * other]) @ blur
    first, second, *squares = means
    variances = squares[0] + squares[1] - first * first - second * second
    covariance = squares[2] - first * second
    small = [(share * PEAK) ** 2 for share in (0.01, 0.03)]
    luminance = (2 * first * second + small[0]) / (first * first + second * second + small[0])
    structure = (2 * covariance + small[1]) / (variances + small[1])
    found: Tensor = (luminance * structure).mean(1)
    return found


@functools.cache
def _window(size: int) -> Tensor:
    """(S, S - 10) float64 whose columns are the Gaussian window at each place that it fits.

    As a matrix, since convolutions in double precision are slow.
    """
    places = torch.arange(-RADIUS, RADIUS + 1, dtype=torch.float64)
    weights = torch.exp(-places.square() / (2 * SIGMA**2))
    found = torch.zeros(size, size - 2 * RADIUS, dtype=torch.float64)
    for column in range(found.shape[1]):
        found[column : column + WINDOW, column] = weights / weights.sum()
    return found


def _mean(values: Tensor, region: Tensor) -> Tensor:
    count = region.sum((1, 2)).double()
    return torch.where(region, values, 0.0).sum((1, 2)) / torch.where(count > 0, count, torch.nan)
