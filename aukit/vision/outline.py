"""The outline of the face on a mesh: one smooth line on the mean face, the same for everyone.

The rim of a mesh is its least reliable part: it extends onto hair, neck and background. So a closed
curve is defined once on the mean face, through the jaw and over the forehead, and every vertex has
its distance inside the curve. Interpolated over a face's own mesh, this distance is positive within
the same part of every face, in any view.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

JAW = slice(0, 17)
CHIN, NOSE_BRIDGE = 8, 27

_INSET = 0.05
"""How far inside the jaw's landmarks the curve runs, as a share of the face's width."""

_BELOW_TOP = 0.04
"""How far below the mesh's upper rim the curve ends, as a share of its height."""

_CORNERS = 96
"""Corners of the curve on either half."""

_ROUND = 2.2
"""Exponent of the superellipse over the forehead: a little squarer than an ellipse."""


def curve(vertices: Tensor, points: Tensor) -> Tensor:
    """The closed curve around a mean face.

    Args:
        vertices: (V, 3) of the face in frontal view, y down, any unit.
        points: (68, 3) its iBUG points.

    Returns:
        (N, 2) corners in the same unit, clockwise from the ear at the left of the picture.
    """
    jaw = points[JAW, :2]
    width = (jaw[-1] - jaw[0]).norm()
    # Left and right alike, whatever the mean face is.
    middle = points[NOSE_BRIDGE, 0]
    other = torch.stack([2 * middle - jaw[:, 0], jaw[:, 1]], 1).flip(0)
    jaw = (jaw + other) / 2
    low, ear = jaw[CHIN, 1], jaw[0, 1]
    top = vertices[:, 1].amin()
    top = top + _BELOW_TOP * (low - top)
    centre = torch.stack([middle, ear])
    inward = centre + torch.stack([torch.zeros_like(ear), (low - ear) * 0.3]) - jaw
    jaw = jaw + inward / inward.norm(dim=1, keepdim=True) * _INSET * width
    half, height = middle - jaw[0, 0], jaw[0, 1] - top
    angle = torch.linspace(0, math.pi, _CORNERS, device=jaw.device, dtype=jaw.dtype)
    cos, sin = angle.cos(), angle.sin()
    x = middle - half * cos.sign() * cos.abs() ** (2 / _ROUND)
    y = jaw[0, 1] - height * sin.clamp_min(0) ** (2 / _ROUND)
    return torch.cat([torch.stack([x, y], 1), _smooth(jaw.flip(0))[1:-1]])


def _smooth(line: Tensor) -> Tensor:
    """(N, 2) points to `_CORNERS` on a Catmull-Rom spline through them."""
    ends = torch.cat([2 * line[:1] - line[1:2], line, 2 * line[-1:] - line[-2:-1]])
    place = torch.linspace(0, len(line) - 1, _CORNERS, device=line.device, dtype=line.dtype)
    first = place.floor().long().clamp(max=len(line) - 2)
    t = (place - first)[:, None]
    a, b, c, d = (ends[first + k] for k in range(4))
    return 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )


def inset(places: Tensor, corners: Tensor) -> Tensor:
    """(V,) distances of (V, 2) points from a closed curve of (N, 2) corners, negative outside."""
    ends = corners.roll(-1, 0)
    along = ends - corners
    offset = places[:, None] - corners
    share = (offset * along).sum(-1) / along.square().sum(-1).clamp_min(1e-12)
    distance = (offset - along * share.clamp(0, 1)[..., None]).norm(dim=-1).amin(1)
    # A ray to the right crosses the curve an odd number of times from inside (Shimrat 1962).
    above, below = corners[:, 1] > places[:, 1:], ends[:, 1] > places[:, 1:]
    cross = corners[:, 0] + along[:, 0] * (offset[..., 1] / along[:, 1].where(along[:, 1] != 0, 1))
    odd = ((above != below) & (places[:, :1] < cross)).sum(1) % 2 == 1
    return torch.where(odd, distance, -distance)
