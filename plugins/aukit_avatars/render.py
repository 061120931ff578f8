"""Pictures of heads: geometry, light, skin, camera, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.raster import Fragments, rasterize_fragments
from aukit_avatars.appearance import Looks
from aukit_avatars.camera import Camera
from aukit_avatars.film import background, expose
from aukit_avatars.head import Head
from aukit_avatars.lighting import Shade, irradiance, vertex_normals
from aukit_avatars.scene import Scenes
from aukit_avatars.shading import (
    Points,
    bilinear,
    eye_albedo,
    eye_angles,
    eye_glints,
    highlights,
)
from aukit_avatars.wardrobe import Dressed, Wardrobe
from aukit_avatars.wrinkles import SIZE as WRINKLE_MAP
from aukit_avatars.wrinkles import Wrinkles, to_window

PIXELS_AT_ONCE = 1 << 20
"""Supersampled pixels rendered in one go; bounds the memory."""

LASHES = 0.9
"""How much of what is behind it the root of an eyelash hides."""

CAVITY = 6.0
"""How much darker a crease is, per centimetre of depth."""


@dataclass(frozen=True)
class Rendering:
    """Pictures and what is true of them.

    Attributes:
        image: (B, 3, H, W) uint8.
        vertices: (B, V, 3) float32: x and y in pixels (the centre of the first pixel is at 0.5,
            0.5), distance from the camera in centimetres.
        landmarks: (B, 68, 2) float32 pixels, iBUG order.
        mask: (B, H, W) float32 in 0..1, how much of each pixel the person covers.
    """

    image: Tensor
    vertices: Tensor
    landmarks: Tensor
    mask: Tensor


class Renderer:
    """Renders people of one head model.

    Args:
        head: the mesh.
        device: where to compute.
        texture: texels along the edge of the painted skin.
        supersampling: samples along the edge of a pixel.
    """

    def __init__(
        self,
        head: Head,
        device: torch.device | str = "cpu",
        *,
        texture: int = 512,
        supersampling: int = 2,
    ) -> None:
        self.head = head.to(device)
        self.device = torch.device(device)
        self.supersampling = supersampling
        self._wardrobe = Wardrobe(self.head, texture)
        self._mesh = self._wardrobe.mesh
        self._shade = Shade(self.head, hidden=self.head.part("lashes"))
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
    ) -> Rendering:
        """Render B pictures.

        Args:
            shape: (B, V, 3) float32 vertices in the head's frame, expression included.
            camera: B cameras.
            looks: B people's looks.
            strength: (B, AUs, 2) float32, 0..1 and a little more, in the order of `actions.AUS`,
                left and right: decides the wrinkles.
            scenes: B scenes.
            seeds: (B,) int64, one a picture: decides the noise.
            size: pixels, height and width or both.
        """
        extent = (size, size) if isinstance(size, int) else size
        step = max(1, PIXELS_AT_ONCE // (extent[0] * extent[1] * self.supersampling**2))
        parts = [
            self._render(
                shape[rows].to(self.device),
                _rows(camera, rows).to(self.device),
                looks[rows],
                strength[rows].to(self.device),
                scenes[rows].to(self.device),
                seeds[rows].to(self.device),
                extent,
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
    ) -> Rendering:
        fine = (size[0] * self.supersampling, size[1] * self.supersampling)
        dressed = self._wardrobe.dress(shape, looks)
        placed = camera.place(dressed.points)
        screen = camera.project(placed, fine)
        seen = rasterize_fragments(
            screen, self._mesh.triangles, fine, perspective=True, cull_back=True
        )
        normals = vertex_normals(placed, *self._mesh.incidence)
        turned = _turned(camera.rotation, dressed.axes)
        light, opened = self._light(normals, turned, scenes)
        folds = self._wrinkles.textures(strength, looks)
        colour = self._colour(seen, normals, light, opened, dressed, folds, turned, scenes)
        picture, cover = self._develop(screen, seen, colour, scenes, size)
        vertices = camera.project(camera.place(shape), size)
        return Rendering(
            image=expose(picture, scenes, seeds),
            vertices=vertices,
            landmarks=vertices[:, self.head.landmarks68, :2],
            mask=cover,
        )

    def _light(self, normals: Tensor, turned: Tensor, scenes: Scenes) -> tuple[Tensor, Tensor]:
        """Light at the vertices (B, P, 3), and how open each is to its surroundings (P, 1)."""
        hanging = normals.shape[1] - len(self.head.vertices)
        lamps = scenes.direction.shape[1]
        inside = (scenes.direction[..., :, None] * turned[:, None]).sum(2)
        shadow = self._shade.of(inside.flatten(0, 1), scenes.softness.flatten())
        shadow = functional.pad(shadow, (0, hanging), value=0.8).unflatten(0, (-1, lamps))
        opened = functional.pad(self._shade.open, (0, 0, 0, hanging), value=0.7)
        return irradiance(normals, shadow, opened, scenes), opened

    def _colour(
        self,
        seen: Fragments,
        normals: Tensor,
        light: Tensor,
        opened: Tensor,
        dressed: Dressed,
        folds: Tensor,
        turned: Tensor,
        scenes: Scenes,
    ) -> Tensor:
        """(N, 3) linear light that the covered pixels send to the camera."""
        mesh = self._mesh
        spread = torch.cat([light, normals, opened.expand(len(normals), -1, -1)], dim=2)
        values = seen.interpolate(mesh.triangles, spread)
        light, normal, opened = values.split([3, 3, 1], dim=1)
        uv = seen.interpolate(mesh.triangle_uv, mesh.uv)
        skin = bilinear(
            self._wardrobe.paintings, dressed.slot[seen.sample], uv, self._wardrobe.texture
        )
        albedo, gloss = skin.split([3, 1], dim=1)
        slopes = bilinear(folds, seen.sample, to_window(uv), WRINKLE_MAP)
        plain = functional.normalize(normal, dim=1)
        normal = _bumped(plain, slopes, turned[seen.sample])
        albedo = albedo * torch.exp(slopes[:, 2:].clamp(-0.2, 0.05) * CAVITY)
        part = mesh.part[seen.triangle]
        torso = (part == self.head.parts.index("torso"))[:, None]
        albedo = dressed.clothes[seen.sample].where(torso, albedo)
        gloss = gloss.masked_fill(torso, 0.02)
        light = light + _relit(plain, normal, scenes, seen.sample)
        points = Points(seen.sample, normal, light, albedo, gloss)
        colour = albedo * light + highlights(points, scenes, opened)
        self._eyes(colour, part, uv, points, dressed, scenes)
        return colour

    def _eyes(
        self,
        colour: Tensor,
        part: Tensor,
        uv: Tensor,
        points: Points,
        dressed: Dressed,
        scenes: Scenes,
    ) -> None:
        """Paint over the colour of the eyeballs."""
        names = [self.head.parts.index(name) for name in ("eye_left", "eye_right")]
        here = ((part == names[0]) | (part == names[1])).nonzero().squeeze(1)
        sample, normal = points.sample[here], points.normal[here]
        angle, around = eye_angles(uv[here])
        albedo = eye_albedo(angle, around, dressed.iris[sample], dressed.eyes[sample])
        colour[here] = albedo * points.light[here] + eye_glints(normal, sample, angle, scenes)

    def _develop(
        self,
        screen: Tensor,
        seen: Fragments,
        colour: Tensor,
        scenes: Scenes,
        size: tuple[int, int],
    ) -> tuple[Tensor, Tensor]:
        """Average the samples of each pixel and put the room behind them."""
        batch, factor = len(screen), self.supersampling
        fine = colour.new_zeros(batch * size[0] * size[1] * factor**2, 4)
        fine[seen.pixel] = functional.pad(colour, (0, 1), value=1.0)
        self._lashes(fine, screen, seen, (size[0] * factor, size[1] * factor))
        fine = fine.view(batch, size[0] * factor, size[1] * factor, 4).permute(0, 3, 1, 2)
        coarse = functional.avg_pool2d(fine, factor)
        cover = coarse[:, 3]
        return coarse[:, :3] + (1 - cover)[:, None] * background(scenes, size), cover


    def _lashes(
        self, fine: Tensor, screen: Tensor, seen: Fragments, size: tuple[int, int]
    ) -> None:
        """Draw the eyelashes over what is behind them, strand by strand."""
        lashes = rasterize_fragments(screen, self._mesh.lashes, size, perspective=True)
        behind = screen.new_full((len(fine),), torch.inf)
        behind[seen.pixel] = seen.depth
        free = lashes.depth < behind[lashes.pixel] + 0.05
        tip, around = lashes.interpolate(self._mesh.lashes, self._mesh.lash)[free].unbind(1)
        strand = 0.65 + 0.35 * torch.sin(around * 53)
        upper = torch.where(around > 0, 1.0, 0.35)
        cover = (LASHES * upper * (1 - tip.clamp(0, 1)).sqrt() * strand)[:, None]
        pixel = lashes.pixel[free]
        fine[pixel, :3] = fine[pixel, :3] * (1 - cover) + 0.006 * cover


def _bumped(normal: Tensor, slopes: Tensor, turned: Tensor) -> Tensor:
    """(N, 3) normals tilted by the slopes of the skin, in camera axes."""
    right, up = turned[:, :, 0], turned[:, :, 1]
    tilt = slopes[:, :1] * _tangent(right, normal) + slopes[:, 1:2] * _tangent(up, normal)
    return functional.normalize(normal - tilt, dim=1)


def _tangent(axis: Tensor, normal: Tensor) -> Tensor:
    along = axis - (axis * normal).sum(1, keepdim=True) * normal
    return along / along.norm(dim=1, keepdim=True).clamp_min(0.3)


def _relit(plain: Tensor, normal: Tensor, scenes: Scenes, sample: Tensor) -> Tensor:
    """(N, 3) change of the light by the tilt of the normals: key and ceiling."""
    key = scenes.direction[sample, 0]
    change = ((normal - plain) * key).sum(1, keepdim=True)
    facing = (plain * key).sum(1, keepdim=True).clamp(0, 1).sqrt()
    sky = (normal - plain)[:, 1:2] / 2 * (scenes.above - scenes.below)[sample]
    return change * facing * scenes.colour[sample, 0] + 1.5 * sky


def _rows(camera: Camera, rows: slice) -> Camera:
    return Camera(*(value[rows] for value in vars(camera).values()))


def _turned(outer: Tensor, inner: Tensor) -> Tensor:
    """(B, 3, 3) product, in sums whose rounding does not depend on the batch."""
    return (outer[..., :, :, None] * inner[..., None, :, :]).sum(-2)


def _join(parts: list[Rendering]) -> Rendering:
    return Rendering(
        image=torch.cat([part.image for part in parts]),
        vertices=torch.cat([part.vertices for part in parts]),
        landmarks=torch.cat([part.landmarks for part in parts]),
        mask=torch.cat([part.mask for part in parts]),
    )
