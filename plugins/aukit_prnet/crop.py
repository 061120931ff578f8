"""The square around a face that the network sees, and the way back from its maps.

The authors' rules: 1.6 times the mean side of the box of the 68 points about its middle; or 1.58
times that of a detector's box, whose middle is first moved down by 0.14 of it. A map gives x, y and
z in pixels of the crop, z on the scale of x and y.

The published network has seen heads that lean by up to 45 degrees (section 3.3). A picture with a
stronger lean is therefore first rotated by quarter turns, to be closest to upright. Weights may
instead require a crop rotated by the line of the eyes, so that the network need not learn the lean
of faces.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.vision.registered import OUTER_EYES
from aukit.vision.warp import apply, invert, place, warp
from aukit_prnet.network import REACH

AROUND_POINTS = 1.6
AROUND_BOX = 1.58
BOX_DOWN = 0.14
QUARTER = math.pi / 2
EYES, MOUTH = slice(36, 48), slice(48, 68)


def around_points(points: Tensor, resolution: int, upright: bool = False) -> Tensor:
    """Crops about landmarks.

    Args:
        points: (B, 68, 2 or more) source pixels.
        resolution: side of the crop in pixels.
        upright: turn the crop so that the outer corners of the eyes are level, and not only by the
            nearest quarter turns.

    Returns:
        (B, 3, 3) transforms, source pixels -> crop pixels.
    """
    plane = points[..., :2]
    angle = _level(plane) if upright else _quarters(plane)
    origin = plane.new_zeros(len(plane), 2)
    turn = place(torch.ones_like(angle), angle, origin, origin)
    turned = apply(turn, plane)
    low, high = turned.amin(1), turned.amax(1)
    centre = apply(invert(turn), ((low + high) / 2)[:, None])[:, 0]
    return square(centre, AROUND_POINTS * (high - low).mean(1), resolution, angle)


def _level(points: Tensor) -> Tensor:
    """(B,) radians, clockwise, that make the line of the eyes level."""
    left, right = (points[:, corner] for corner in OUTER_EYES)
    across, down = (right - left).unbind(-1)
    return -torch.atan2(down, across)


def _quarters(points: Tensor) -> Tensor:
    """(B,) radians, clockwise: the quarter turns that bring a head nearest to upright.

    From the eyes to the mouth: in profile the line between the eyes points nowhere.
    """
    across, down = (points[:, MOUTH].mean(1) - points[:, EYES].mean(1)).unbind(-1)
    return (torch.atan2(across, down) / QUARTER).round() * QUARTER


def around_boxes(boxes: Tensor, resolution: int) -> Tensor:
    """Crops about a detector's boxes, (B, 4) x0 y0 x1 y1; see `around_points`."""
    low, high = boxes[:, :2], boxes[:, 2:]
    side = (high - low).mean(1)
    down = torch.stack([torch.zeros_like(side), BOX_DOWN * side], 1)
    return square((low + high) / 2 + down, AROUND_BOX * side, resolution)


def square(centre: Tensor, side: Tensor, resolution: int, angle: Tensor | None = None) -> Tensor:
    """Crops of squares, whose corners become the centres of the corner pixels.

    Args:
        centre: (B, 2) source pixels.
        side: (B,) source pixels.
        resolution: side of the crop in pixels.
        angle: (B,) radians by which the picture is turned clockwise, 0 by default.

    Returns:
        (B, 3, 3) transforms.
    """
    last = float(resolution - 1)
    middle = centre.new_full((2,), last / 2)
    return place(last / side, torch.zeros_like(side) if angle is None else angle, centre, middle)


def cut(images: Sequence[Tensor], crops: Tensor, resolution: int) -> Tensor:
    """The network's input.

    Args:
        images: B uint8 tensors (3, H, W) of any sizes.
        crops: (B, 3, 3) source pixels -> crop pixels.
        resolution: side R of the crop.

    Returns:
        (B, 3, R, R) float32 in 0..1, black beyond the picture, averaged where it shrinks.
    """
    return warp(images, crops, resolution).float() / 255


def undo(vertices: Tensor, crops: Tensor, resolution: int, depth: int) -> Tensor:
    """Map the values of a position map to the source picture.

    Args:
        vertices: (B, V, 3) values of the map, in 0..1 of `REACH` * R crop pixels.
        crops: (B, 3, 3) similarities, source pixels -> crop pixels.
        resolution: side R of the crop.
        depth: `Layout.depth`.

    Returns:
        (B, V, 3) source pixels; z in the same unit, smaller is nearer, from an unknown origin.
    """
    pixels = vertices * (REACH * resolution)
    scale = torch.linalg.det(crops[:, :2, :2]).sqrt()[:, None, None]
    return torch.cat([apply(invert(crops), pixels[..., :2]), depth * pixels[..., 2:] / scale], -1)
