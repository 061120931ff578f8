"""Head models of people who are not of the avatars' own: warped shapes that move in other ways.

All avatars are made of the same shapes, and make every AU of the same actions. What is fitted to
find or to read anybody's face has to meet others, so here each person is a head model of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.seeds import seed_of
from aukit_avatars.actions import AUS, Face
from aukit_avatars.appearance import Looks
from aukit_avatars.camera import Camera
from aukit_avatars.head import mix
from aukit_avatars.randomness import normal, uniform
from aukit_avatars.render import Rendering
from aukit_avatars.scene import Scenes
from aukit_avatars.studio import Shots, Studio, looks_of

TEXTURE = 256
"""Texels along the edge of the skin: painting people takes longest."""

WAYS = 24
"""Ways of making the AUs in a family."""

WAVES = 6
"""Waves in the field that warps a head."""

_OPENING = ("eyeBlink", "eyeLook", "lipSeal", "jaw", "mouthLowerDown", "mouthUpperUp", "tongue")
"""Beginnings of the names of actions that open or shut eyes and mouth; never there at rest."""


@dataclass(frozen=True)
class Family:
    """How far people are from the benchmark's.

    Attributes:
        warp: amplitude of the warping field, centimetres.
        waves: shortest and longest wave of it, centimetres.
        scale: spread of the head's width, height and depth.
        mix: spread of the logarithm of an action's share in an AU.
        strength: spread of the logarithm of an AU's strength.
        side: spread of the difference between left and right.
        curve: exponents from level to strength, least and most.
        rest: spread of the actions at rest, of full strength.
        plain: share of people with plain skin, without folds.
    """

    warp: float
    waves: tuple[float, float]
    scale: float
    mix: float
    strength: float
    side: float
    curve: tuple[float, float]
    rest: float
    plain: float


FAMILIES = {
    "kin": Family(0.22, (7.0, 18.0), 0.05, 0.3, 0.2, 0.06, (0.9, 1.6), 0.07, 0.3),
    "odd": Family(0.34, (4.5, 11.0), 0.09, 0.5, 0.3, 0.12, (0.8, 1.9), 0.1, 0.7),
}


class Otherness(Studio):
    """A studio whose people are not of the head model's shapes and do not move its ways.

    Args:
        family: name in `FAMILIES`.
        device: where to compute.
    """

    def __init__(self, family: str, device: str = "cpu") -> None:
        super().__init__(device, texture=TEXTURE)
        self.family, self.name = FAMILIES[family], family
        self._ways = [self._way(number) for number in range(WAYS)]
        self._resting = [
            row for row, name in enumerate(self.head.action_names) if not name.startswith(_OPENING)
        ]

    def shape(self, shots: Shots) -> Tensor:
        """(B, V, 3) vertices in the head's frame, neck unbent, centimetres."""
        moved = self.head.move(self._rest(shots), self._weights(shots))
        return moved + self._warp(shots)

    def _way(self, number: int) -> Face:
        """A face whose AUs are made of other shares of the actions."""
        face = Face(self.head)
        seed = torch.tensor([seed_of(0, self.name, "way", number)])
        bell = normal(seed, "shares", face.matrix.numel() // 2).view(-1, face.matrix.shape[1])
        # Left and right alike: `strength` is what differs between them.
        face.matrix = face.matrix * torch.exp(self.family.mix * bell).repeat_interleave(2, 0)
        return face

    def _rest(self, shots: Shots) -> Tensor:
        neutral = torch.stack([self._neutral(person) for person in shots.people])
        weights = torch.zeros(len(shots.people), len(self.head.action_names))
        bell = normal(_seeds(shots), "rest", len(self._resting))
        weights[:, self._resting] = self.family.rest * bell
        return self.head.move(neutral, weights.to(self.device))

    def _warp(self, shots: Shots) -> Tensor:
        """(B, V, 3) centimetres: a smooth field and another proportion, the same for a person."""
        family, seeds = self.family, _seeds(shots)
        where = self.head.vertices[None]
        bell = normal(seeds, "warp", WAVES * 6).view(-1, WAVES, 6).to(self.device)
        chance = uniform(seeds, "warp", WAVES * 2).view(-1, WAVES, 2).to(self.device)
        short, long = family.waves
        ahead = bell[..., :3] / bell[..., :3].norm(dim=-1, keepdim=True).clamp_min(1e-6)
        number = 2 * torch.pi / (short * (long / short) ** chance[..., :1])
        along = (where[:, :, None] * (ahead * number)[:, None]).sum(-1)
        phase = along + 2 * torch.pi * chance[:, None, :, 1]
        field = (phase.cos()[..., None] * bell[:, None, :, 3:]).sum(2) * family.warp / WAVES**0.5
        proportion = family.scale * normal(seeds, "proportion", 3).to(self.device)
        warp: Tensor = field + where * proportion[:, None]
        return warp

    def _strength(self, shots: Shots) -> Tensor:
        """(B, AUs, 2): other strengths, sides and exponents for each person."""
        family, seeds = self.family, _seeds(shots)
        least, most = family.curve
        power = least + (most - least) * uniform(seeds, "power", len(AUS))
        bell = normal(seeds, "strength", 2 * len(AUS)).view(-1, len(AUS), 2)
        gain = torch.exp(family.strength * bell[..., 0])
        side = torch.stack(
            [gain + family.side * bell[..., 1], gain - family.side * bell[..., 1]], -1
        )
        level = (shots.activation / MAX_LEVEL) ** power
        return (level[..., None] * side.clamp(0.4, 1.4)).to(self.device)

    def _weights(self, shots: Shots) -> Tensor:
        identity = torch.stack([person.identity for person in shots.people]).to(self.device)
        strength = self._strength(shots)
        parts = [
            self._ways[way].weights(identity[row : row + 1], strength[row : row + 1])
            for row, way in enumerate((_seeds(shots) % WAYS).tolist())
        ]
        gaze = shots.gaze.to(self.device)
        return torch.cat(parts) + mix(torch.cat([gaze, -gaze], 1).clamp_min(0), self._gaze)

    def _render(self, shots: Shots, shape: Tensor, camera: Camera, size: int) -> Rendering:
        plain = uniform(_seeds(shots), "skin", 2)
        bare = plain[:, 0] < self.family.plain
        folds = torch.where(bare, 0.0, 1.5 * plain[:, 1])[:, None, None]
        looks = [looks_of(person) for person in shots.people]
        return self._renderer.render(
            shape=shape,
            camera=camera,
            looks=[_plain(one) if b else one for one, b in zip(looks, bare.tolist(), strict=True)],
            strength=self._strength(shots) * folds.to(self.device),
            scenes=Scenes.draw(shots.scene, shots.domain),
            seeds=shots.noise,
            size=size,
        )


def _plain(looks: Looks) -> Looks:
    """The same person in the even skin of a young man or woman."""
    return replace(
        looks, age=0.0, freckles=0.0, redness=0.0, stubble=0.0, beard=0.0, lipstick=0.0, grey=0.0
    )


def _seeds(shots: Shots) -> Tensor:
    """(B,) int64 seeds of the people."""
    return torch.tensor([person.appearance for person in shots.people])
