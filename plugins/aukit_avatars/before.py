"""Draws what people wear or hold before their faces over the faces."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit.vision.raster import rasterize_fragments
from aukit_avatars.camera import Camera
from aukit_avatars.lighting import halfway, incidence, irradiance, vertex_normals
from aukit_avatars.props import Props
from aukit_avatars.scene import Scenes

OPEN, LIT = 0.75, 0.85
"""Shares of the surroundings and of each light that reach a prop: heads stand beside it."""

SHARP = 60.0
"""Exponent of the highlights."""


class Before:
    """B people's props in front of their cameras.

    Args:
        props: in the head's frame.
        camera: B cameras.
        size: height and width of the samples.
    """

    def __init__(self, props: Props, camera: Camera, size: tuple[int, int]) -> None:
        self.props = props
        self._placed = camera.place(props.points)
        self._size = size
        self._screen = camera.project(self._placed, size)

    def draw(self, samples: Tensor, depth: Tensor, scenes: Scenes) -> None:
        """Blend the props over (B * H * W, 5) samples where they are before (B, H, W) depth.

        Changes the samples: light, the share of the person and, last, the share of the props.
        """
        # Glass is drawn over all else, so what is nearest of the opaque comes first.
        opaque = (self.props.cover == 1)[self.props.triangles].all(1)
        for triangles in (self.props.triangles[opaque], self.props.triangles[~opaque]):
            self._draw(triangles, samples, depth, scenes)

    def _draw(self, triangles: Tensor, samples: Tensor, depth: Tensor, scenes: Scenes) -> None:
        seen = rasterize_fragments(self._screen, triangles, self._size, perspective=True)
        seen = seen[(seen.depth < depth.flatten()[seen.pixel]).nonzero().squeeze(1)]
        values = seen.interpolate(triangles, self._light(triangles, scenes))
        light, cover = values[:, :3], values[:, 3:]
        behind = samples[seen.pixel]
        samples[seen.pixel, :3] = torch.lerp(behind[:, :3], light, cover)
        samples[seen.pixel, 3:] = behind[:, 3:].maximum(cover)

    def _light(self, triangles: Tensor, scenes: Scenes) -> Tensor:
        """(B, P, 4) linear light that the props' points send to the camera, and their cover."""
        props = self.props
        around = incidence(triangles, props.points.shape[1])
        normals = vertex_normals(self._placed.nan_to_num(), *around)
        normals = normals * torch.where(normals[..., 2:] < 0, -1.0, 1.0)
        lamps = scenes.direction.shape[1]
        lit = normals.new_full((len(normals), lamps, normals.shape[1]), LIT)
        opened = normals.new_full((normals.shape[1], 1), OPEN)
        light = props.colour * irradiance(normals, lit, opened, scenes)
        for lamp, half in enumerate(halfway(scenes)):
            glint = (normals * half[:, None]).sum(-1, keepdim=True).clamp_min(0) ** SHARP
            light = light + props.gloss[:, None] * glint * scenes.colour[:, lamp, None]
        cover = props.cover[None, :, None].expand(len(light), -1, -1)
        return torch.cat([light, cover], -1)
