"""Head models unlike the avatars' own: warped shapes that move differently.

All avatars share the same shapes and make every AU from the same actions. Models meant for
arbitrary faces must be trained on more variety, so here each person has a head model of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from aukit.seeds import seed_of
from aukit_avatars.actions import Face
from aukit_avatars.appearance import Looks
from aukit_avatars.head import mix
from aukit_avatars.individuals import Manner, own_strength, resting_actions, seeds_of, way
from aukit_avatars.randomness import normal, uniform
from aukit_avatars.studio import Shots, Studio, looks_of

TEXTURE = 256
"""Texels along the edge of the skin: painting people takes longest."""

WAYS = 24
"""Ways of making the AUs in a family."""

WAVES = 6
"""Waves in the field that warps a head."""


@dataclass(frozen=True)
class Family(Manner):
    """How much people differ from the benchmark's.

    Attributes:
        warp: amplitude of the warping field, centimetres.
        waves: shortest and longest wave of it, centimetres.
        scale: spread of the head's width, height and depth.
        plain: share of people with plain skin, without folds.
    """

    warp: float
    waves: tuple[float, float]
    scale: float
    plain: float


FAMILIES = {
    "kin": Family(
        mix=0.3, strength=0.2, side=0.06, curve=(0.9, 1.6), rest=0.07,
        warp=0.22, waves=(7.0, 18.0), scale=0.05, plain=0.3,
    ),
    "odd": Family(
        mix=0.5, strength=0.3, side=0.12, curve=(0.8, 1.9), rest=0.1,
        warp=0.34, waves=(4.5, 11.0), scale=0.09, plain=0.7,
    ),
}  # fmt: skip


class Otherness(Studio):
    """A studio whose people have other shapes than the head model and move differently.

    Args:
        family: name in `FAMILIES`.
        device: where to compute.
    """

    def __init__(self, family: str, device: str = "cpu") -> None:
        super().__init__(device, texture=TEXTURE)
        self.family, self.name = FAMILIES[family], family
        self._ways = [self._way(number) for number in range(WAYS)]
        self._resting = resting_actions(self.head)

    def shape(self, shots: Shots) -> Tensor:
        """(B, V, 3) vertices in the head's frame, neck unbent, centimetres."""
        moved = self.head.move(self._rest(shots), self._weights(shots))
        return moved + self._warp(shots)

    def _way(self, number: int) -> Face:
        seed = torch.tensor([seed_of(0, self.name, "way", number)])
        return way(self._face, self.family.mix, seed)

    def _rest(self, shots: Shots) -> Tensor:
        neutral = torch.stack([self._neutral(person) for person in shots.people])
        weights = torch.zeros(len(shots.people), len(self.head.action_names))
        bell = normal(seeds_of(shots), "rest", len(self._resting))
        weights[:, self._resting] = self.family.rest * bell
        return self.head.move(neutral, weights.to(self.device))

    def _warp(self, shots: Shots) -> Tensor:
        """(B, V, 3) centimetres: a smooth field and another proportion, the same for a person."""
        family, seeds = self.family, seeds_of(shots)
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
        return own_strength(self.family, seeds_of(shots), shots.activation).to(self.device)

    def _weights(self, shots: Shots) -> Tensor:
        identity = torch.stack([person.identity for person in shots.people]).to(self.device)
        strength = self._strength(shots)
        parts = [
            self._ways[way].weights(identity[row : row + 1], strength[row : row + 1])
            for row, way in enumerate((seeds_of(shots) % WAYS).tolist())
        ]
        gaze = shots.gaze.to(self.device)
        return torch.cat(parts) + mix(torch.cat([gaze, -gaze], 1).clamp_min(0), self._gaze)

    def _folds(self, shots: Shots) -> Tensor:
        deep = torch.where(self._bare(shots), 0.0, 1.5 * uniform(seeds_of(shots), "skin", 2)[:, 1])
        return self._strength(shots) * deep[:, None, None].to(self.device)

    def _looks(self, shots: Shots) -> list[Looks]:
        looks = [looks_of(person) for person in shots.people]
        bare = self._bare(shots).tolist()
        return [_plain(one) if b else one for one, b in zip(looks, bare, strict=True)]

    def _bare(self, shots: Shots) -> Tensor:
        """(B,) bool: people with plain skin, without folds."""
        return uniform(seeds_of(shots), "skin", 2)[:, 0] < self.family.plain


def _plain(looks: Looks) -> Looks:
    """The same person in the even skin of a young man or woman."""
    return replace(
        looks, age=0.0, freckles=0.0, redness=0.0, stubble=0.0, beard=0.0, lipstick=0.0, grey=0.0
    )
