"""The square around a face that the network sees, and the way back from its maps.

The authors' rules: 1.6 times the mean side of the box of the 68 points about its middle; or 1.58
times that of a detector's box, whose middle is first moved down by 0.14 of it. A map gives x, y and
z in pixels of the crop; z has the scale of x and y, grows towards the camera and is 0 at the
farthest point of the face.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.vision.warp import apply, invert, place, warp
from aukit_prnet.network import REACH

AROUND_POINTS = 1.6
AROUND_BOX = 1.58
BOX_DOWN = 0.14


def around_points(points: Tensor, resolution: int) -> Tensor:
    """Crops about landmarks.

    Args:
        points: (B, 68, 2 or more) source pixels.
        resolution: side of the crop in pixels.

    Returns:
        (B, 3, 3) transforms, source pixels -> crop pixels, upright.
    """
    low, high = points[..., :2].amin(1), points[..., :2].amax(1)
    side = (high - low).mean(1)
    return square((low + high) / 2, AROUND_POINTS * side, resolution)


def around_boxes(boxes: Tensor, resolution: int) -> Tensor:
    """Crops about a detector's boxes, (B, 4) x0 y0 x1 y1; see `around_points`."""
    low, high = boxes[:, :2], boxes[:, 2:]
    side = (high - low).mean(1)
    down = torch.stack([torch.zeros_like(side), BOX_DOWN * side], 1)
    return square((low + high) / 2 + down, AROUND_BOX * side, resolution)


def square(centre: Tensor, side: Tensor, resolution: int) -> Tensor:
    """Crops of upright squares, whose corners become the centres of the corner pixels.

    Args:
        centre: (B, 2) source pixels.
        side: (B,) source pixels.
        resolution: side of the crop in pixels.

    Returns:
        (B, 3, 3) transforms.
    """
    last = float(resolution - 1)
    middle = centre.new_full((2,), last / 2)
    return place(last / side, torch.zeros_like(side), centre, middle)


def cut(images: Sequence[Tensor], crops: Tensor, resolution: int) -> Tensor:
    """The network's input.

    Args:
        images: B tensors (3, H, W) of any sizes, uint8, or float in 0..1.
        crops: (B, 3, 3) source pixels -> crop pixels.
        resolution: side R of the crop.

    Returns:
        (B, 3, R, R) float32 in 0..1, black beyond the picture, averaged where it shrinks.
    """
    bright = 1.0 if images[0].is_floating_point() else 255.0
    return warp([image.float() for image in images], crops, resolution) / bright


def to_crop(vertices: Tensor, crops: Tensor, resolution: int) -> Tensor:
    """What a map is to say of meshes.

    Args:
        vertices: (B, V, 3) source pixels, z in the same unit, smaller is nearer.
        crops: (B, 3, 3) similarities, source pixels -> crop pixels.
        resolution: side R of the crop.

    Returns:
        (B, V, 3) in units of `REACH` * R crop pixels; z grows towards the camera from 0.
    """
    plane = apply(crops, vertices[..., :2])
    depth = vertices[..., 2:] * _scale(crops)
    toward = depth.amax(1, keepdim=True) - depth
    return torch.cat([plane, toward], -1) / (REACH * resolution)


def from_crop(vertices: Tensor, crops: Tensor, resolution: int) -> Tensor:
    """The way back of `to_crop`, but for the distance to the camera, which a crop does not know."""
    pixels = vertices * (REACH * resolution)
    plane = apply(invert(crops), pixels[..., :2])
    return torch.cat([plane, -pixels[..., 2:] / _scale(crops)], -1)


def _scale(crops: Tensor) -> Tensor:
    """(B, 1, 1) crop pixels a source pixel."""
    return torch.linalg.det(crops[:, :2, :2]).sqrt()[:, None, None]
