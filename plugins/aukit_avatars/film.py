"""From light to picture: background, lens, sensor and file, on whole batches."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from aukit.vision.images import decode, encode
from aukit_avatars.randomness import bits, derive, uniform
from aukit_avatars.scene import Scenes

MIDDLE_GREY = 0.18
_THINGS = 7


def background(scenes: Scenes, size: tuple[int, int]) -> Tensor:
    """(B, 3, H, W) linear light of the room behind the head, far out of focus.

    A wall that is lit unevenly, with a few soft rectangles on it: doors, shelves, windows.
    """
    y, x = _grid(size, scenes.exposure)
    corners = scenes.backdrop[..., None, None]
    top = corners[:, 0] * (1 - x) + corners[:, 1] * x
    room = top * (1 - y) + (corners[:, 2] * (1 - x) + corners[:, 3] * x) * y
    chance = uniform(scenes.seed, "things", 8 * _THINGS).view(-1, _THINGS, 8, 1, 1)
    for thing in range(_THINGS):
        room = room * _thing(chance[:, thing], scenes.clutter, x, y)
    return room


def _thing(chance: Tensor, clutter: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """(B, 3, H, W) factor of one blurred rectangle."""
    blur = 0.02 + 0.07 * chance[:, 4]
    across = _soft_box(x, chance[:, 0] * 1.2 - 0.1, 0.04 + 0.22 * chance[:, 1], blur)
    down = _soft_box(y, chance[:, 2] * 1.2 - 0.1, 0.06 + 0.4 * chance[:, 3], blur)
    strength = 0.9 * (chance[:, 5:8] - 0.5) + 3.2 * (chance[:, 5:6] - 0.5)
    return torch.exp(clutter.view(-1, 1, 1, 1) * strength * (across * down)[:, None])


def _soft_box(value: Tensor, centre: Tensor, half: Tensor, blur: Tensor) -> Tensor:
    return torch.sigmoid((half - (value - centre).abs()) / blur * 3)


def expose(light: Tensor, scenes: Scenes, seeds: Tensor) -> Tensor:
    """Take the picture.

    Args:
        light: (B, 3, H, W) linear light.
        scenes: B scenes.
        seeds: (B,) int64, one a picture: decides the noise.

    Returns:
        (B, 3, H, W) uint8.
    """
    height, width = light.shape[-2:]
    y, x = _grid((height, width), light)
    dark = 1 - scenes.vignette.view(-1, 1, 1) * ((x - 0.5).square() + (y - 0.5).square()) * 1.6
    gain = (scenes.exposure[:, None] * scenes.balance)[..., None, None] * dark[:, None]
    light = _lens(light, scenes) * gain
    light = MIDDLE_GREY * (light / MIDDLE_GREY).clamp_min(1e-4) ** scenes.contrast.view(-1, 1, 1, 1)
    picture = _encode(_shoulder(light)) + _noise(seeds, light, scenes)
    picture = (picture.clamp(0, 1) * 255 + 0.5).to(torch.uint8)
    return compress(picture, scenes.jpeg)


def compress(pictures: Tensor, quality: Tensor) -> Tensor:
    """Send the (B, 3, H, W) uint8 pictures with a quality above 0 through real JPEG files."""
    result = pictures.clone()
    for level in sorted(set(quality.tolist()) - {0}):
        rows = (quality == level).nonzero().squeeze(1)
        files = encode(pictures[rows].cpu(), "jpeg", level)
        decoded = [image for file in files if (image := decode(file).image) is not None]
        result[rows] = torch.stack(decoded).to(result.device)
    return result


def _grid(size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
    """Rows (H, 1) and columns (1, W) of pixel centres in 0..1."""
    height, width = size
    y = (torch.arange(height, device=like.device) + 0.5)[:, None] / height
    x = (torch.arange(width, device=like.device) + 0.5)[None] / width
    return y, x


def _lens(light: Tensor, scenes: Scenes) -> Tensor:
    """Defocus and motion as one Gaussian a picture, applied along rows, columns and motion."""
    width = light.shape[-1]
    light = _blur(light, _taps(scenes.blur * width), dim=-1)
    light = _blur(light, _taps(scenes.blur * width), dim=-2)
    for dim, axis in ((-1, 0), (-2, 1)):
        length = (scenes.motion[:, axis] * width).abs()
        if bool((length > 0.2).any()):
            light = _blur(light, _taps(length), dim)
    return light


def _taps(sigma: Tensor) -> Tensor:
    """(B, 5) weights of a Gaussian at -2..2 pixels."""
    place = torch.arange(-2, 3, device=sigma.device)
    weight = torch.exp(-0.5 * (place / sigma.clamp(0.05, 1.6)[:, None]).square())
    return weight / weight.sum(1, keepdim=True)


def _blur(image: Tensor, taps: Tensor, dim: int) -> Tensor:
    """Five shifted copies, weighted: the same sums in the same order for any batch."""
    pad = (2, 2, 0, 0) if dim == -1 else (0, 0, 2, 2)
    padded = functional.pad(image, pad, mode="replicate")
    length = image.shape[dim]
    parts = (
        padded.narrow(dim, shift, length) * taps[:, shift, None, None, None] for shift in range(5)
    )
    return sum(parts, torch.zeros_like(image))


def _shoulder(light: Tensor) -> Tensor:
    """Roll off the highlights smoothly instead of clipping them."""
    knee = 0.6
    over = (light - knee).clamp_min(0)
    return torch.minimum(light, light.new_tensor(knee)) + (1 - knee) * (
        1 - torch.exp(-over / (1 - knee))
    )


def _encode(light: Tensor) -> Tensor:
    """The sRGB curve (IEC 61966-2-1)."""
    light = light.clamp_min(0)
    return torch.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _noise(seeds: Tensor, light: Tensor, scenes: Scenes) -> Tensor:
    """Noise of the sensor: photons in the light parts, electronics in the dark ones."""
    count = light[0].numel()
    word = bits(derive(seeds, "sensor"), count // 2 + 1)
    halves = torch.stack([word >> 32, word & 0xFFFFFFFF], dim=-1) & 0xFFFFFFFF
    total = (halves >> 16) + (halves & 0xFFFF)
    noise = (total.float() / 65535 - 1) * math.sqrt(6)
    noise = noise.flatten(1)[:, :count].view_as(light)
    grain = (0.35 + (light.clamp(0, 1) / MIDDLE_GREY).sqrt()).clamp_max(1.6) * 0.75
    return noise * grain * scenes.noise.view(-1, 1, 1, 1)
