"""Light, room and camera around a head, drawn from seeds as batched tensors."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from aukit.errors import ConfigError
from aukit_avatars.randomness import normal, uniform

DOMAINS = ("a", "b")
"""a: a studio with soft light and a good camera; b: rooms with harder light and a cheap one."""

USUAL_LIGHT = 0.95
"""Light at which the camera needs no correction."""


@dataclass(frozen=True)
class Scenes:
    """B scenes.

    Attributes:
        seed: (B,) int64, decides the room behind the head.
        direction: (B, 3, 3) unit vectors towards key, fill and rim light: x right, y up, z towards
            the camera.
        colour: (B, 3, 3) red, green and blue of those lights, linear.
        softness: (B, 3) 0 (a point) to 1 (a wall of light).
        above, below: (B, 3) ambient light from the ceiling and from the floor, linear.
        backdrop: (B, 4, 3) linear colours at the corners of the background.
        clutter: (B,) contrast of the things in the background.
        exposure: (B,) factor.
        balance: (B, 3) white balance, factors.
        contrast: (B,) exponent around middle grey.
        vignette: (B,) loss of light in the corners, 0..1.
        blur: (B,) standard deviation of the defocus, as a share of the picture's width.
        motion: (B, 2) half the length of the motion blur, as a share of the picture's width.
        noise: (B,) standard deviation at middle grey, as a share of full scale.
        jpeg: (B,) int64 quality 1..100, 0 for no compression.
    """

    seed: Tensor
    direction: Tensor
    colour: Tensor
    softness: Tensor
    above: Tensor
    below: Tensor
    backdrop: Tensor
    clutter: Tensor
    exposure: Tensor
    balance: Tensor
    contrast: Tensor
    vignette: Tensor
    blur: Tensor
    motion: Tensor
    noise: Tensor
    jpeg: Tensor

    @classmethod
    def draw(cls, seeds: Tensor, domain: str = "a") -> Scenes:
        """Draw one scene a seed.

        Args:
            seeds: (B,) int64.
            domain: one of `DOMAINS`.

        Raises:
            ConfigError: there is no such domain.
        """
        if domain not in DOMAINS:
            raise ConfigError(f"avatars have no domain '{domain}'", hint="choose a or b")
        hard = domain == "b"
        chance = uniform(seeds, f"scene {domain}", 40)
        bell = normal(seeds, f"scene {domain}", 12)
        colour, above, below = _lights(chance, bell, hard)
        camera = _camera(chance, bell, hard)
        camera["exposure"] = camera["exposure"] * _metered(colour, above)
        return cls(
            seed=seeds,
            direction=_directions(chance, hard),
            colour=colour,
            softness=_softness(chance, hard),
            above=above,
            below=below,
            backdrop=_backdrop(chance, hard),
            clutter=(0.75 if hard else 0.35) * chance[:, 30],
            **camera,
        )

    def to(self, device: torch.device | str) -> Scenes:
        """The same scenes on another device."""
        return Scenes(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})

    def __getitem__(self, rows: slice | Tensor) -> Scenes:
        return Scenes(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})

    def __len__(self) -> int:
        return len(self.seed)


def _directions(chance: Tensor, hard: bool) -> Tensor:
    side = torch.where(chance[:, 0] < 0.5, -1.0, 1.0)
    reach = 1.25 if hard else 0.95
    key = _direction(side * (0.15 + reach * chance[:, 1]), 0.1 + 0.75 * chance[:, 2])
    fill = _direction(-side * (0.4 + 0.8 * chance[:, 3]), -0.15 + 0.5 * chance[:, 4])
    rim = _direction(-side * (2.0 + 0.6 * chance[:, 5]), 0.2 + 0.6 * chance[:, 6])
    return torch.stack([key, fill, rim], dim=1)


def _direction(around: Tensor, up: Tensor) -> Tensor:
    """(B, 3) from two angles in radians; 0, 0 is straight from the camera."""
    return torch.stack([around.sin() * up.cos(), up.sin(), around.cos() * up.cos()], dim=1)


def _lights(chance: Tensor, bell: Tensor, hard: bool) -> tuple[Tensor, Tensor, Tensor]:
    warmth = (0.9 if hard else 0.35) * bell[:, 0]
    key = (0.85 + 0.45 * chance[:, 7])[:, None] * _tint(warmth)
    share = (0.08 if hard else 0.25) + 0.3 * chance[:, 8]
    fill = share[:, None] * 0.85 * _tint(warmth + 0.5 * bell[:, 1])
    strength = (chance[:, 9] - 0.5).clamp_min(0) * 1.6
    rim = strength[:, None] * _tint(warmth - 0.6 * bell[:, 2])
    level = 0.16 + 0.20 * chance[:, 10]
    above = level[:, None] * _tint(0.5 * warmth + 0.3 * bell[:, 3])
    below = above * (0.3 + 0.4 * chance[:, 11])[:, None] * _tint(0.3 + 0.3 * bell[:, 4])
    return torch.stack([key, fill, rim], dim=1), above, below


def _metered(colour: Tensor, above: Tensor) -> Tensor:
    """(B,) what the camera makes of the amount of light: it evens out much of it."""
    light = (0.6 * colour[:, 0] + 0.4 * colour[:, 1] + above).mean(1)
    return torch.exp(-0.7 * torch.log(light / USUAL_LIGHT))


def _tint(warmth: Tensor) -> Tensor:
    """(B, 3) colour of a light: -1 is a clouded sky, 0 daylight, 1 a light bulb."""
    scale = warmth.new_tensor([0.13, 0.0, -0.24])
    return torch.exp(warmth[:, None] * scale)


def _softness(chance: Tensor, hard: bool) -> Tensor:
    low = 0.08 if hard else 0.3
    key = low + 0.5 * chance[:, 12]
    return torch.stack([key, 0.5 + 0.4 * chance[:, 13], 0.3 + 0 * key], dim=1)


def _backdrop(chance: Tensor, hard: bool) -> Tensor:
    """(B, 4, 3): a wall that is lit unevenly."""
    base = 0.03 + 0.55 * chance[:, 14].square()
    spread = 0.22 if hard else 0.12
    hue = 1 + spread * (chance[:, 15:18] - 0.5) * 2
    corners = 1 + 0.9 * (chance[:, 18:22] - 0.5)
    return base[:, None, None] * hue[:, None] * corners[..., None]


def _camera(chance: Tensor, bell: Tensor, hard: bool) -> dict[str, Tensor]:
    """The fields of `Scenes` that belong to the camera."""
    rough = 1.0 if hard else 0.4
    return {
        "exposure": torch.exp((0.2 if hard else 0.13) * bell[:, 5]),
        "balance": torch.exp(0.06 * rough * bell[:, 6:9]),
        "contrast": 1 + 0.12 * bell[:, 9] * rough + (0.12 if hard else 0.0),
        "vignette": (0.5 if hard else 0.2) * chance[:, 22],
        "blur": (0.005 if hard else 0.0022) * chance[:, 23].square() + 0.0004,
        "motion": _motion(chance, hard),
        "noise": (0.014 if hard else 0.006) * (0.3 + chance[:, 26]),
        "jpeg": _quality(chance[:, 27:29], hard),
    }


def _motion(chance: Tensor, hard: bool) -> Tensor:
    length = (0.007 if hard else 0.003) * (chance[:, 24] - 0.6).clamp_min(0) * 2.5
    angle = chance[:, 25] * math.pi
    return length[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)


def _quality(chance: Tensor, hard: bool) -> Tensor:
    low, share = (45, 0.9) if hard else (75, 0.5)
    quality = (low + (96 - low) * chance[:, 0]).long()
    return quality.where(chance[:, 1] < share, 0)
