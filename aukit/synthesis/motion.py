"""Moves the pixels of a face, since expressions are mostly moving skin."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.resize import resized

STRIDE = 0.1
"""Displacement for a motion of 1, in half sides of the picture, so that the motion layer learns
about as fast as the colour layer."""


class Change(NamedTuple):
    """A change of faces, independent of their size.

    Attributes:
        motion: (B, 2, S, S), where each pixel comes from (see `moved`); None without motion.
        colour: (B, 3, S, S), added to the moved face.
    """

    motion: Tensor | None
    colour: Tensor

    def on(self, faces: Tensor) -> Tensor:
        """Apply the change to faces (B, 3, T, T) of any size; colours may leave their range.

        Detail finer than the change's own resolution is kept from the faces.
        """
        placed = faces if self.motion is None else moved(faces, self.motion)
        return placed + resized(self.colour, faces.shape[-1])


def moved(images: Tensor, motion: Tensor) -> Tensor:
    """Warp images by a motion field that says where each pixel comes from.

    Args:
        images: (B, 3, S, S).
        motion: (B, 2, s, s), offsets (x, y) to the source of each pixel, in units of `STRIDE`;
            upsampled bilinearly. 0 means no motion.

    Returns:
        (B, 3, S, S) float32 or float64; bilinear sampling, border pixels repeated outside.
    """
    # Coordinates in bfloat16 would be off by pixels.
    kind = torch.promote_types(images.dtype, torch.float32)
    size = images.shape[-1]
    field = functional.interpolate(
        motion.to(kind) * STRIDE, (size, size), mode="bilinear", align_corners=False
    )
    centres = (torch.arange(size, dtype=kind, device=images.device) + 0.5) * (2 / size) - 1
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    # Sampling at NaN would crash here; a diverging fit must end with its own error instead.
    places = torch.stack([columns, rows], -1) + field.permute(0, 2, 3, 1).nan_to_num()
    return functional.grid_sample(
        images.to(kind), places, mode="bilinear", padding_mode="border", align_corners=False
    )
