"""The position of every texel of the skin texture on the mean head.

Textures are painted by position in space, not in the texture, so that spots are round and strands
equally thick wherever the texture is stretched, and seams are invisible.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.raster import rasterize_fragments
from aukit_avatars.hair import curtain_points
from aukit_avatars.head import Head
from aukit_avatars.regions import belonging

CURTAIN = (0.15, 0.81, 0.85, 0.975)
"""Left, top, right and bottom of the strip that the head leaves free, painted as long hair."""

MARGIN = 4
"""Texels painted beyond the border of the mesh, so that filtering never sees unpainted ones."""


@dataclass(frozen=True)
class Atlas:
    """The N texels of a size x size texture that the mesh covers.

    Attributes:
        size: texels along an edge.
        position: (N, 3) float32, centimetres, on the mean head.
        part: (N,) int64 index into `parts`; -1 for hair that hangs free.
        lip: (N,) float32 in 0..1.
        lid: (N,) float32, centimetres to the nearest point of an eyelid's rim.
        source: (size * size,) int64, the painted texel that each texel copies.
        parts: names.
    """

    size: int
    position: Tensor
    part: Tensor
    lip: Tensor
    lid: Tensor
    source: Tensor
    parts: tuple[str, ...]

    @classmethod
    def of(cls, head: Head, size: int) -> Atlas:
        """Lay the mesh out flat and look up what lies at every texel."""
        flat = torch.cat([head.uv * size, torch.zeros_like(head.uv[:, :1])], dim=1)
        texels = rasterize_fragments(flat[None], head.triangle_uv, (size, size))
        surface = torch.cat([head.vertices, head.lip[:, None]], dim=1)
        values = texels.interpolate(head.triangles, surface)
        strip, hanging = _strip(size, values.device)
        position = torch.cat([values[:, :3], hanging])
        part = torch.cat([head.triangle_part[texels.triangle], strip.new_full((len(strip),), -1)])
        return cls(
            size=size,
            position=position,
            part=part,
            lip=torch.cat([values[:, 3], hanging.new_zeros(len(strip))]),
            lid=_rim_distance(head, position),
            source=_nearest_painted(torch.cat([texels.pixel, strip]), size),
            parts=head.parts,
        )

    def where(self, *names: str) -> Tensor:
        """(N,) bool: texels of the named parts."""
        wanted = [self.parts.index(name) for name in names]
        return torch.isin(self.part, torch.tensor(wanted, device=self.part.device))

    def spread(self, values: Tensor) -> Tensor:
        """(N, C) painted values to the whole (size * size, C) texture."""
        return values[self.source]


def _strip(size: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Texels (M,) of the curtain of hair, and where they hang (M, 3)."""
    left, top, right, bottom = (round(edge * size) for edge in CURTAIN)
    row, column = torch.meshgrid(
        torch.arange(top, bottom, device=device),
        torch.arange(left, right, device=device),
        indexing="ij",
    )
    around = (column - left + 0.5) / (right - left)
    down = (row - top + 0.5) / (bottom - top)
    return (row * size + column).flatten(), curtain_points(around, down, -17.0).view(-1, 3)


def _rim_distance(head: Head, position: Tensor) -> Tensor:
    """Distance to the edge between the skin and the lining of the eyelids; far away: 9 cm."""
    rim = head.vertices[belonging(head, "skin") & belonging(head, "eye_socket")]
    near = (position[:, None] - rim[:: max(1, len(rim) // 8)]).square().sum(-1).amin(1) < 9
    distance = position.new_full((len(position),), 9.0)
    distance[near] = torch.cdist(position[near], rim).amin(1)
    return distance


def _nearest_painted(pixel: Tensor, size: int) -> Tensor:
    """Grow the painted area by one texel at a time; what stays bare copies the first texel."""
    grown = torch.zeros(size * size, device=pixel.device)
    grown[pixel] = torch.arange(1, len(pixel) + 1, device=pixel.device).float()
    grown = grown.view(1, 1, size, size)
    for _ in range(MARGIN):
        grown = grown.where(grown > 0, functional.max_pool2d(grown, 3, stride=1, padding=1))
    return grown.flatten().long().sub(1).clamp_min(0)
