"""Similarity of pictures to the true ones: L1, PSNR and SSIM over a region.

All take batches (B, 3, S, S) of uint8 pictures and return one number per picture.
"""

from __future__ import annotations

import math

import torch
from kornia import metrics
from torch import Tensor

PEAK = 255.0
ROUNDING = 1 / 12
"""Mean squared error from rounding to integers. uint8 pictures cannot resolve less, so it is the
floor: PSNR is at most 58.9 dB, which equal pictures have."""

WINDOW = 11
RADIUS = WINDOW // 2

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
    return _mean((one.double() - other.double()).abs().mean(1) / PEAK, region)


def psnr(one: Tensor, other: Tensor, region: Tensor) -> Tensor:
    """(B,) float64: peak signal-to-noise ratio in dB over a region; NaN where it is empty."""
    error = _mean((one.double() - other.double()).square().mean(1), region)
    return 10 * torch.log10(PEAK**2 / error.clamp_min(ROUNDING))


def ssim(one: Tensor, other: Tensor, region: Tensor) -> Tensor:
    """(B,) float64: structural similarity over a region; NaN where it is empty.

    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE
    TIP 2004: Gaussian window of 11 pixels with sigma 1.5, K1 = 0.01, K2 = 0.03, mean of the three
    channels. As there, the 5 pixels at the border are left out, since they have no full window.
    """
    inner = region[:, RADIUS:-RADIUS, RADIUS:-RADIUS]
    return _mean(ssim_map(one, other), inner)


def ssim_map(one: Tensor, other: Tensor) -> Tensor:
    """(B, S - 10, S - 10) float64: structural similarity where a full window fits."""
    found = metrics.ssim(one.double(), other.double(), WINDOW, PEAK)
    return found[..., RADIUS:-RADIUS, RADIUS:-RADIUS].mean(1)


def _mean(values: Tensor, region: Tensor) -> Tensor:
    count = region.sum((1, 2)).double()
    return torch.where(region, values, 0.0).sum((1, 2)) / torch.where(count > 0, count, torch.nan)
