"""Pictures of heads: geometry, light, skin, camera, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor
from torch.nn import functional

from aukit.errors import ConfigError
from aukit.vision.raster import (
    Fragments,
    Raster,
    dense,
    rasterize_fragments,
    visible_vertices,
)
from aukit.vision.rotation import product
from aukit_avatars.appearance import Looks
from aukit_avatars.before import Before
from aukit_avatars.camera import Camera
from aukit_avatars.film import background, expose
from aukit_avatars.head import Head
from aukit_avatars.lighting import vertex_normals
from aukit_avatars.props import Props
from aukit_avatars.scene import Scenes
from aukit_avatars.surface import Subject, Surface
from aukit_avatars.wardrobe import Wardrobe
from aukit_avatars.wrinkles import Wrinkles

PIXELS_AT_ONCE = 1 << 19
"""Supersampled pixels rendered in one go; bounds the memory."""

VISIBLE_WITHIN = 0.2
"""Centimetres that a vertex may lie behind the surface and still count as visible."""

NOTHING = -2
"""Number of the part where there is none."""

STEP = 0.25
"""Centimetres between the samples of a pixel that make it an edge."""

LASH_DEPTH = 0.05
"""Centimetres that a lash may sink into the lid and still be drawn."""


@dataclass(frozen=True)
class Rendering:
    """Pictures with ground truth.

    Attributes:
        image: (B, 3, H, W) uint8.
        vertices: (B, V, 3) float32: x and y in pixels (the centre of the first pixel is at 0.5,
            0.5), distance from the camera in centimetres.
        landmarks: (B, 68, 2) float32 pixels, iBUG order.
        visible: (B, V) bool, vertices visible to the camera.
        mask: (B, H, W) float32 in 0..1, how much of each pixel the person covers.
        props: (B, H, W) float32 in 0..1, how much of each pixel what the person wears or holds
            before the face hides.
    """

    image: Tensor
    vertices: Tensor
    landmarks: Tensor
    visible: Tensor
    mask: Tensor
    props: Tensor


class Renderer:
    """Renders people of one head model.

    Args:
        head: the mesh.
        device: where to compute.
        texture: texels along the edge of the painted skin.
        supersampling: samples along the edge of a pixel.
        people: number of painted people in the cache; 10 MB each.
    """

    def __init__(
        self,
        head: Head,
        device: torch.device | str = "cpu",
        *,
        texture: int = 512,
        supersampling: int = 2,
        people: int = 48,
    ) -> None:
        self.head = head.to(device)
        self.device = torch.device(device)
        self.supersampling = supersampling
        self._wardrobe = Wardrobe(self.head, texture, people)
        self._mesh = self._wardrobe.mesh
        self._surface = Surface(self.head, self._wardrobe)
        self._wrinkles = Wrinkles(self.head)

    def render(
        self,
        shape: Tensor,
        camera: Camera,
        looks: Sequence[Looks],
        strength: Tensor,
        scenes: Scenes,
        seeds: Tensor,
        size: int | tuple[int, int],
        props: Props | None = None,
    ) -> Rendering:
        """Render B pictures. Each is the same in any batch.

        Args:
            shape: (B, V, 3) float32 vertices in the head's frame, expression included.
            camera: B cameras.
            looks: B people's looks.
            strength: (B, AUs, 2) float32, 0..1 and a little more, in the order of `actions.AUS`,
                left and right: decides the wrinkles.
            scenes: B scenes.
            seeds: (B,) int64, one a picture: decides the noise.
            size: pixels, height and width or both.
            props: what B people wear or hold before their faces.

        Raises:
            ConfigError: the size is not positive.
        """
        extent = _extent(size)
        fitting = PIXELS_AT_ONCE // (extent[0] * extent[1] * self.supersampling**2)
        step = max(1, min(fitting, self._wardrobe.people))
        parts = [
            self._render(
                shape[rows].to(self.device),
                _rows(camera, rows).to(self.device),
                looks[rows],
                strength[rows].to(self.device),
                scenes[rows].to(self.device),
                seeds[rows].to(self.device),
                extent,
                None if props is None else props[rows].to(self.device),
            )
            for rows in (slice(start, start + step) for start in range(0, len(shape), step))
        ]
        return _join(parts)

    def _render(
        self,
        shape: Tensor,
        camera: Camera,
        looks: Sequence[Looks],
        strength: Tensor,
        scenes: Scenes,
        seeds: Tensor,
        size: tuple[int, int],
        props: Props | None,
    ) -> Rendering:
        fine = (size[0] * self.supersampling, size[1] * self.supersampling)
        dressed = self._wardrobe.dress(shape, looks)
        placed = camera.place(dressed.points)
        screen = camera.project(placed, fine)
        seen = rasterize_fragments(
            screen, self._mesh.triangles, fine, perspective=True, cull_back=True
        )
        subject = Subject(
            dressed=dressed,
            normals=vertex_normals(placed, *self._mesh.incidence),
            turned=product(camera.rotation, dressed.axes),
            folds=self._wrinkles.textures(strength, looks),
            scenes=scenes,
            samples=fine[1],
        )
        raster = dense(seen, (len(screen), *fine))
        light = self._light(screen, seen, raster, subject, size, _before(props, camera, fine))
        vertices = camera.project(camera.place(shape), size)
        seen_vertices = visible_vertices(
            screen, self._mesh.triangles, raster, tolerance=VISIBLE_WITHIN
        )
        metered = replace(scenes, exposure=scenes.exposure * dressed.metered)
        picture = light[:, :3] + (1 - light[:, 3:4]) * background(scenes, size)
        return Rendering(
            image=expose(picture, metered, seeds),
            vertices=vertices,
            landmarks=vertices[:, self.head.landmarks68, :2],
            visible=seen_vertices[:, : shape.shape[1]],
            mask=light[:, 3],
            props=light[:, 4],
        )

    def _light(
        self,
        screen: Tensor,
        seen: Fragments,
        raster: Raster,
        subject: Subject,
        size: tuple[int, int],
        before: Before | None,
    ) -> Tensor:
        """(B, 5, H, W) linear light of the person; shares of person and of props in each pixel."""
        samples = screen.new_zeros(raster.triangle.numel(), 5)
        even = self._even(raster) if self.supersampling == 2 else None
        if even is not None:
            seen = seen[(~_spared(even)[seen.pixel]).nonzero().squeeze(1)]
        colour = self._surface.colour(seen, subject)
        samples[seen.pixel, :4] = functional.pad(colour, (0, 1), value=1.0)
        if even is not None:
            _copy_diagonal(samples, even)
        self._draw_lashes(samples, screen, raster)
        if before is not None:
            before.draw(samples, raster.depth, subject.scenes)
        return _averaged(samples, size, self.supersampling)

    def _even(self, raster: Raster) -> Tensor:
        """(B, H, W) bool: pixels whose four samples lie on one part without a step in depth.

        Of these, two samples on the diagonal are shaded, whose mean is the middle of the pixel.
        """
        part = self._mesh.part[raster.triangle.clamp_min(0)].masked_fill(~raster.mask, NOTHING)
        first, low = part[:, ::2, ::2], raster.depth[:, ::2, ::2]
        same, high = first != NOTHING, low
        for row, column in ((0, 1), (1, 0), (1, 1)):
            depth = raster.depth[:, row::2, column::2]
            same = same & (part[:, row::2, column::2] == first)
            low, high = torch.minimum(low, depth), torch.maximum(high, depth)
        return same & (high - low < STEP)

    def _draw_lashes(self, samples: Tensor, screen: Tensor, raster: Raster) -> None:
        """Blend the eyelashes over what is behind them."""
        size = raster.triangle.shape[1:]
        lashes = rasterize_fragments(
            screen, self._mesh.lashes, (size[0], size[1]), perspective=True
        )
        behind = raster.depth.flatten()[lashes.pixel]
        lashes = lashes[(lashes.depth < behind + LASH_DEPTH).nonzero().squeeze(1)]
        cover = self._surface.lashes(lashes)
        samples[lashes.pixel, :3] *= 1 - cover


def _before(props: Props | None, camera: Camera, size: tuple[int, int]) -> Before | None:
    return None if props is None else Before(props, camera, size)


def _spared(even: Tensor) -> Tensor:
    """(B * 2H * 2W,) bool: samples that need no shading, for (B, H, W) even pixels."""
    none = torch.zeros_like(even)
    upper = torch.stack([none, even], dim=3)
    return torch.stack([upper, upper.flip(3)], dim=2).flatten()


def _copy_diagonal(samples: Tensor, even: Tensor) -> None:
    """Give the samples that were spared in (B, H, W) even pixels the colour beside them."""
    batch, height, width = even.shape
    grid = samples.view(batch, height, 2, width, 2, -1)
    for row in range(2):
        shaded, spared = grid[:, :, row, :, row], grid[:, :, row, :, 1 - row]
        spared.copy_(shaded.where(even[..., None], spared))


def _averaged(samples: Tensor, size: tuple[int, int], factor: int) -> Tensor:
    """(B, C, H, W) means of the samples of each pixel."""
    grid = samples.view(-1, size[0], factor, size[1], factor, samples.shape[1])
    total = sum(
        (grid[:, :, row, :, column] for row in range(factor) for column in range(factor)),
        torch.zeros_like(grid[:, :, 0, :, 0]),
    )
    return (total / factor**2).permute(0, 3, 1, 2).contiguous()


def _extent(size: int | tuple[int, int]) -> tuple[int, int]:
    extent = (size, size) if isinstance(size, int) else size
    if min(extent) < 1:
        raise ConfigError(
            f"avatars cannot be rendered at {extent[0]} x {extent[1]} pixels",
            hint="choose a size of at least 1 pixel",
        )
    return extent


def _rows(camera: Camera, rows: slice) -> Camera:
    return Camera(*(value[rows] for value in vars(camera).values()))


def _join(parts: list[Rendering]) -> Rendering:
    return Rendering(
        **{
            field.name: torch.cat([getattr(part, field.name) for part in parts])
            for field in fields(Rendering)
        }
    )
