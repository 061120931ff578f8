"""Moves the pixels of a face: most of an expression is skin that goes somewhere else."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.resize import resized

STRIDE = 0.1
"""What a motion of 1 is, in half sides of the picture: so the layer that makes motions learns about
as fast as the one beside it that makes colours."""


class Change(NamedTuple):
    """How faces change, whatever their size.

    Attributes:
        motion: (B, 2, S, S), where each pixel comes from, see `moved`; None where nothing moves.
        colour: (B, 3, S, S), what is added to the face that has moved.
    """

    motion: Tensor | None
    colour: Tensor

    def on(self, faces: Tensor) -> Tensor:
        """Faces (B, 3, T, T) of any size, changed; the range of colours may be left.

        What pictures of this change's own size cannot hold is carried over from the faces.
        """
        placed = faces if self.motion is None else moved(faces, self.motion)
        return placed + resized(self.colour, faces.shape[-1])


def moved(images: Tensor, motion: Tensor) -> Tensor:
    """Images whose every pixel is fetched from where a motion field points to.

    Args:
        images: (B, 3, S, S).
        motion: (B, 2, s, s), offsets (x, y) of the place that is fetched, in units of `STRIDE`;
            scaled up to the images bilinearly. 0 leaves a pixel where it is.

    Returns:
        (B, 3, S, S) float32 or float64; bilinear between pixels, beyond the border the border.
    """
    # Places in bfloat16 would be off by pixels.
    kind = torch.promote_types(images.dtype, torch.float32)
    size = images.shape[-1]
    field = functional.interpolate(
        motion.to(kind) * STRIDE, (size, size), mode="bilinear", align_corners=False
    )
    centres = (torch.arange(size, dtype=kind, device=images.device) + 0.5) * (2 / size) - 1
    rows, columns = torch.meshgrid(centres, centres, indexing="ij")
    # A fit that diverges must end with its error: looking up the pixel NaN would crash here.
    places = torch.stack([columns, rows], -1) + field.permute(0, 2, 3, 1).nan_to_num()
    return functional.grid_sample(
        images.to(kind), places, mode="bilinear", padding_mode="border", align_corners=False
    )
