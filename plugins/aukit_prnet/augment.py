"""Random crops and pixel augmentations of the training pictures.

Avatars are cleaner than photographs, so everything a network must not rely on is varied here
(background, light, colour, sharpness, noise, occlusion). The position of the face in the crop
varies as in Feng et al., ECCV 2018, section 3.3 (shift by a tenth, scale 0.9 to 1.1, rotation).

Everything is drawn from torch's global generator, which `aukit.training.loop.train` seeds before
each step, on batches, on their device. Images are float (B, 3, R, R) in 0..1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.warp import apply, place
from aukit_prnet.crop import AROUND_POINTS


@dataclass(frozen=True)
class Jitter:
    """The deviation of a crop from that of the true landmarks.

    Attributes:
        shift: at most, as a share of the crop's side.
        scale: at most, as a share of 1.
        angle: standard deviation of the rotation in the picture, degrees.
        most: largest rotation, degrees.
    """

    shift: float = 0.1
    scale: float = 0.1
    angle: float = 18.0
    most: float = 45.0


def crops(landmarks: Tensor, resolution: int, jitter: Jitter | None = None) -> Tensor:
    """Transforms from pictures to crops of the face, each with a jitter of its own.

    Args:
        landmarks: (B, 68, 2) pixels.
        resolution: side R of the crop in pixels.
        jitter: none gives the exact crop.

    Returns:
        (B, 3, 3) similarities.
    """
    low, high = landmarks.amin(1), landmarks.amax(1)
    centre, side = (low + high) / 2, AROUND_POINTS * (high - low).mean(-1)
    angle = torch.zeros_like(side)
    if jitter is not None:
        centre = centre + _even((len(side), 2), jitter.shift, side) * side[:, None]
        side = side * (1 + _even(side.shape, jitter.scale, side))
        angle = torch.randn_like(side) * math.radians(jitter.angle)
        angle = angle.clamp(-math.radians(jitter.most), math.radians(jitter.most))
    last = float(resolution - 1)  # corners become the centres of corner pixels, see `crop.square`
    return place(last / side, angle, centre, centre.new_full((2,), last / 2))


def cut(images: Tensor, transforms: Tensor, resolution: int) -> Tensor:
    """Resample a batch of float pictures (B, C, H, W) by (B, 3, 3) transforms; zeros outside.

    Bilinear, for scales around 1: `aukit.vision.warp.warp` is the one that never aliases.
    """
    axis = torch.arange(resolution, device=images.device, dtype=images.dtype)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    inverse = torch.linalg.inv(transforms)
    source = apply(inverse, torch.stack([x, y], -1).view(1, -1, 2))
    size = source.new_tensor([images.shape[-1], images.shape[-2]])
    grid = ((source + 0.5) * 2 / size - 1).view(-1, resolution, resolution, 2)
    return functional.grid_sample(images, grid, align_corners=False)


def move(vertices: Tensor, transforms: Tensor) -> Tensor:
    """Carry (B, V, 3) vertices by plane similarities; the depth is scaled alike."""
    scale = torch.linalg.det(transforms[:, :2, :2]).sqrt()
    return torch.cat(
        [apply(transforms, vertices[..., :2]), vertices[..., 2:] * scale[:, None, None]], -1
    )


def disturb(images: Tensor, cover: Tensor) -> Tensor:
    """All augmentations of a crop that do not move the face.

    Args:
        images: (B, 3, R, R) in 0..1.
        cover: (B, 1, R, R) in 0..1, where the person is.
    """
    images = replace_background(images, cover)
    images = occlude(images, chance=0.35)
    images = relight(images)
    images = recolour(images)
    images = blur(images, chance=0.4)
    return add_noise(images, chance=0.5, most=0.06)


def replace_background(images: Tensor, cover: Tensor, chance: float = 0.7) -> Tensor:
    """Put people in front of coloured noise, or of another picture of the batch."""
    count, resolution = len(images), images.shape[-1]
    other = images.roll(1, 0).flip(-2)  # upside down: no face to be found
    own = _clouds(count, resolution, images)
    behind = torch.where(happens(count, 0.35, images), other, own)
    blended = torch.lerp(behind, images, cover)
    return torch.where(happens(count, chance, images), blended, images)


def occlude(images: Tensor, chance: float) -> Tensor:
    """Lay one thing in front: a box or an ellipse, coloured at random or like skin."""
    count, resolution = len(images), images.shape[-1]
    centre = torch.rand(count, 2, device=images.device) * 2 - 1
    angle = torch.rand(count, device=images.device) * math.pi
    reach = 0.1 + 0.35 * torch.rand(count, 2, device=images.device)
    shape = torch.where(torch.rand(count, device=images.device) < 0.5, 2.0, 8.0)
    axis = torch.linspace(-1, 1, resolution, device=images.device)
    x, y = axis[None, None] - centre[:, :1, None], axis[None, :, None] - centre[:, 1:, None]
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    along, across = (
        (cos * x + sin * y) / reach[:, :1, None],
        (cos * y - sin * x) / reach[:, 1:, None],
    )
    power = shape[:, None, None]
    distance = (along.abs() ** power + across.abs() ** power) ** (1 / power)
    mask = ((1 - distance) * 8 + 0.5).clamp(0, 1)[:, None]
    third = resolution // 3
    skin = images[..., third:-third, third:-third].mean((2, 3), keepdim=True)
    texture = _clouds(count, resolution, images)
    skinlike = (skin * (0.7 + 0.6 * texture)).clamp(0, 1)
    thing = torch.where(happens(count, 0.4, images), skinlike, texture)
    return torch.lerp(images, thing, mask * happens(count, chance, images))


def relight(images: Tensor) -> Tensor:
    """Light that falls off across the picture, as from a window."""
    count, resolution = len(images), images.shape[-1]
    axis = torch.linspace(-1, 1, resolution, device=images.device)
    slope = torch.randn(count, 2, 1, 1, 1, device=images.device) * 0.3
    ramp = slope[:, 0] * axis[None, None, None] + slope[:, 1] * axis[None, None, :, None]
    return torch.where(happens(count, 0.5, images), (images * ramp.exp()).clamp(0, 1), images)


def recolour(images: Tensor) -> Tensor:
    """Exposure, white balance, gamma, contrast and saturation."""
    count = len(images)

    def bell(spread: float, channels: int = 1) -> Tensor:
        return torch.randn(count, channels, 1, 1, device=images.device) * spread

    images = (images * (bell(0.2) + bell(0.1, 3)).exp()).clamp(0, 1)
    images = images.clamp_min(1e-4) ** bell(0.2).exp()
    mean = images.mean((1, 2, 3), keepdim=True)
    images = mean + (images - mean) * (1 + bell(0.2)).clamp(0.4, 1.6)
    grey = images.mean(1, keepdim=True)
    saturation = (1 + bell(0.3)).clamp(0, 2) * (1 - happens(count, 0.1, images).float())
    return (grey + (images - grey) * saturation).clamp(0, 1)


def blur(images: Tensor, chance: float) -> Tensor:
    """Some pictures lose their detail, as small or badly focused ones have it."""
    resolution = images.shape[-1]
    smaller = max(8, int(resolution * (0.3 + 0.6 * float(torch.rand(())))))
    small = functional.interpolate(images, smaller, mode="bilinear", antialias=True)
    soft = functional.interpolate(small, resolution, mode="bilinear", align_corners=False)
    return torch.where(happens(len(images), chance, images), soft, images)


def add_noise(images: Tensor, chance: float, most: float) -> Tensor:
    """Sensor noise of a strength of its own in each picture."""
    strength = torch.rand(len(images), 1, 1, 1, device=images.device) * most
    strength = strength * happens(len(images), chance, images)
    return (images + strength * torch.randn_like(images)).clamp(0, 1)


def _clouds(count: int, resolution: int, like: Tensor) -> Tensor:
    """(B, 3, R, R) coloured noise, from coarse to fine by picture, about a random colour."""
    colour = torch.rand(count, 3, 1, 1, device=like.device)
    coarse = torch.rand(count, 3, 4, 4, device=like.device) - 0.5
    fine = torch.rand(count, 3, 24, 24, device=like.device) - 0.5
    share = torch.rand(count, 2, 1, 1, device=like.device)
    noise = sum(
        share[:, number : number + 1]
        * functional.interpolate(grain, resolution, mode="bilinear", align_corners=False)
        for number, grain in enumerate((coarse, fine))
    )
    return (colour + noise).clamp(0, 1)


def happens(count: int, chance: float, like: Tensor) -> Tensor:
    """(B, 1, 1, 1) bool: true with some chance, drawn for each picture."""
    return torch.rand(count, 1, 1, 1, device=like.device) < chance


def _even(shape: torch.Size | tuple[int, ...], reach: float, like: Tensor) -> Tensor:
    return (torch.rand(shape, device=like.device) * 2 - 1) * reach
