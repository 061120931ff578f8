"""Random augmentations of registered faces that keep their AU codes valid.

Not kornia's: its augmentations are no faster, and their order of random draws may change between
versions, so that fits would not be reproducible.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SHIFT, ZOOM, TURN = 0.02, 0.03, 0.03
BRIGHTNESS, CONTRAST, COLOUR = 0.08, 0.12, 0.03


def augment(images: Tensor) -> Tensor:
    """Flip, shift, zoom, rotate and relight a batch, each image with its own draw.

    AU codes are not side-specific, so a mirrored face keeps them.

    Args:
        images: (B, 3, S, S) float in 0..1.

    Returns:
        the same shape and range, drawn from torch's global generator.
    """
    count, device = images.shape[0], images.device
    grid = functional.affine_grid(_placements(count, device), list(images.shape), False)
    moved = functional.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    contrast = 1 + _uniform((count, 1, 1, 1), CONTRAST, device)
    shade = _uniform((count, 1, 1, 1), BRIGHTNESS, device) + _uniform(
        (count, 3, 1, 1), COLOUR, device
    )
    mean = moved.mean((1, 2, 3), keepdim=True)
    return ((moved - mean) * contrast + mean + shade).clamp(0, 1)


def _uniform(shape: tuple[int, ...], reach: float, device: torch.device) -> Tensor:
    return (torch.rand(shape, device=device) * 2 - 1) * reach


def _placements(count: int, device: torch.device) -> Tensor:
    """(B, 2, 3) similarities with a random mirror, in the units of `affine_grid`."""
    mirror = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
    scale = 1 + _uniform((count,), ZOOM, device)
    angle = _uniform((count,), TURN, device)
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    shift = _uniform((count, 2), 2 * SHIFT, device)
    rows = [cosine * mirror, -sine, shift[:, 0], sine * mirror, cosine, shift[:, 1]]
    return torch.stack(rows, 1).view(count, 2, 3)
