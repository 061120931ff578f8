"""The forehead above the rim of a face mesh, since face meshes end halfway to the hairline.

The forehead is rigid. The mean face's forehead is therefore extended once, roughly on a circle over
the top of the head, and every face gets this extension in its own pose, attached to its own rim.
"""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.mesh import MeshTemplate
from aukit.vision.registered import OUTER_EYES
from aukit.vision.rotation import carry
from aukit.vision.warp import invert

ROWS = 4
HAIRLINE = 0.5
"""How high above the brows the hairline lies, as a share of the way from the brows to the chin: the
thirds of a face, of which two lie below the brows, are about equal (Farkas et al., "Vertical and
horizontal proportions of the face in young adult North American Caucasians", PRS 1985)."""

_CHIN, _BROWS = 8, slice(17, 27)


class Dome:
    """Extends meshes of one kind up to the hairline.

    Args:
        template: the mesh seen from the front.

    Attributes:
        template: the same with the vertices and triangles of the forehead after its own.
    """

    def __init__(self, template: MeshTemplate) -> None:
        points = template.landmarks_of(template.vertices)
        brow = points[_BROWS, 1].mean()
        edges = _upper_rim(template, float(brow))
        self._rim = torch.bincount(edges.flatten()).nonzero().squeeze(1)
        rim = template.vertices[self._rim]
        self._above = _over_the_top(rim, points)
        self._even = _parabola(rim[:, 0])
        count = len(template.vertices)
        self.template = replace(
            template,
            vertices=torch.cat([template.vertices, self._above]),
            triangles=torch.cat([template.triangles, _strip(template, edges, self._rim, count)]),
            stable=functional.pad(template.stable, (0, len(self._above))),
            mirror=None if template.mirror is None else self._mirrored(template.mirror, count),
        )

    def over(self, vertices: Tensor, fits: Tensor, target: Tensor) -> Tensor:
        """Meshes with their foreheads.

        Args:
            vertices: (B, V, 3) source pixels.
            fits: (B, 4, 4) similarities, source pixels -> aligned pixels.
            target: (W, 3) the vertices of `template` in aligned pixels.

        Returns:
            (B, W, 3) source pixels.
        """
        back = invert(fits.double()).float()
        count = vertices.shape[1]
        mean = target.expand(len(vertices), -1, -1)
        rim = vertices[:, self._rim] - carry(mean[:, self._rim], back)
        hung = (self._even @ rim).repeat(1, ROWS, 1)
        return torch.cat([vertices, carry(mean[:, count:], back) + hung], 1)

    def _mirrored(self, mirror: Tensor, count: int) -> Tensor:
        other = torch.searchsorted(self._rim, mirror[self._rim]).clamp(max=len(self._rim) - 1)
        rows = torch.arange(ROWS, device=other.device)[:, None] * len(self._rim) + count
        return torch.cat([mirror, (rows + other).flatten()])


def _parabola(x: Tensor) -> Tensor:
    """(N, N) that turns values at N places into those of the parabola nearest to them.

    The rim of a mesh is the part that is known least.
    """
    powers = torch.stack([torch.ones_like(x), x, x.square()], 1).double()
    even: Tensor = powers @ torch.linalg.pinv(powers)
    return even.float()


def _upper_rim(template: MeshTemplate, brow: float) -> Tensor:
    """(E, 2) edges of the border of the mesh above the brows, as their triangles run."""
    a, b, c = template.triangles.unbind(1)
    edges = torch.cat([torch.stack(pair, 1) for pair in ((a, b), (b, c), (c, a))])
    count = len(template.vertices)
    number, back = edges[:, 0] * count + edges[:, 1], edges[:, 1] * count + edges[:, 0]
    border = edges[~torch.isin(number, back)]
    return border[(template.vertices[border, 1] < brow).all(1)]


def _over_the_top(rim: Tensor, points: Tensor) -> Tensor:
    """(ROWS * N, 3) rows of N rim vertices, turned back about an axis from ear to ear."""
    left, right = OUTER_EYES
    brow, chin = points[_BROWS, 1].mean(), points[_CHIN, 1]
    top = rim[rim[:, 1].argmin()]
    radius = (points[left] - points[right]).norm()
    centre = torch.stack([torch.zeros_like(brow), brow, top[2] + radius])
    arm = top - centre
    reach = arm.norm()
    wanted = torch.asin((HAIRLINE * (chin - brow) / reach).clamp(-1, 1))
    angle = (wanted - torch.asin((-arm[1] / reach).clamp(-1, 1))).clamp(0, math.pi / 4)
    rows = []
    for row in range(1, ROWS + 1):
        cos, sin = (angle * row / ROWS).cos(), (angle * row / ROWS).sin()
        x, y, z = (rim - centre).unbind(1)
        rows.append(torch.stack([x, cos * y + sin * z, cos * z - sin * y], 1) + centre)
    return torch.cat(rows)


def _strip(template: MeshTemplate, edges: Tensor, rim: Tensor, count: int) -> Tensor:
    """Triangles between the rim and the rows above it, wound as the others are."""
    place = torch.searchsorted(rim, edges)
    lower, strips = edges, []
    for row in range(ROWS):
        upper = count + row * len(rim) + place
        (a, b), (c, d) = lower.unbind(1), upper.unbind(1)
        strips += [torch.stack([b, a, c], 1), torch.stack([b, c, d], 1)]
        lower = upper
    return torch.cat(strips)
