"""People who each move in a way of their own: version 2 of the benchmark.

In version 1, everyone makes an AU of the same actions, in proportion to its level, from the same
resting face, so the places of 68 points nearly give the levels. People differ in all of this, and
low levels are seen in the skin before points move (Ekman, Friesen and Hager 2002: level A is a
trace).
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit_avatars.actions import AUS, Face
from aukit_avatars.head import Head, mix
from aukit_avatars.props import Props, worn
from aukit_avatars.randomness import normal, uniform
from aukit_avatars.regions import belonging
from aukit_avatars.sequences import UNCODED
from aukit_avatars.studio import Shots, Studio

TURNING = 2.0
"""Heads turn that much further than in version 1."""

OPENING = ("eyeBlink", "eyeLook", "lipSeal", "jaw", "mouthLowerDown", "mouthUpperUp", "tongue")
"""Beginnings of the names of actions that open or shut eyes and mouth; never there at rest."""


@dataclass(frozen=True)
class Manner:
    """How far people differ in the way they move.

    Attributes:
        mix: spread of the logarithm of an action's share in an AU.
        strength: spread of the logarithm of an AU's strength.
        side: spread of the difference between left and right.
        curve: exponents from level to strength, least and most.
        rest: spread of the actions at rest, of full strength.
    """

    mix: float
    strength: float
    side: float
    curve: tuple[float, float]
    rest: float


PEOPLE = Manner(mix=0.7, strength=0.5, side=0.2, curve=(1.6, 4.0), rest=0.13)

SKIN_CURVE = 0.8
"""Exponent from level to the depth of folds: below that of the points, so folds come first."""

SKIN_STRENGTH = 0.3
"""Spread of the logarithm of the depth of an AU's folds."""

LINES = 0.6
"""Depth of the deepest permanent lines, as a share of that of the folds at full strength."""


class Individuals(Studio):
    """A studio whose people make every AU in their own way.

    Args:
        manner: how far they differ.
        device: where to compute.
        texture: texels along the edge of the painted skin.
    """

    def __init__(self, manner: Manner = PEOPLE, device: str = "cpu", texture: int = 512) -> None:
        super().__init__(device, texture=texture)
        self.manner = manner
        self._resting = resting_actions(self.head)
        self._uncoded = [self.head.action_index[name] for name in UNCODED]
        self._forehead = _forehead(self.head)
        self._way = lru_cache(maxsize=512)(self._way_of)

    def _way_of(self, seed: int) -> Face:
        return way(self._face, self.manner.mix, torch.tensor([seed])).parting_by_code()

    def _strength(self, shots: Shots) -> Tensor:
        """(B, AUs, 2): what moves the points, by strengths, sides and exponents of each person."""
        return own_strength(self.manner, seeds_of(shots), shots.activation).to(self.device)

    def _folds(self, shots: Shots) -> Tensor:
        """(B, AUs, 2): how deep the folds are; they come before points move, and some stay."""
        seeds = seeds_of(shots)
        depth = torch.exp(SKIN_STRENGTH * normal(seeds, "folds", len(AUS)))
        level = depth * (shots.activation / MAX_LEVEL) ** SKIN_CURVE
        lines = LINES * uniform(seeds, "lines", len(AUS)) ** 3
        return torch.maximum(level, lines).clamp_max(1.2)[..., None].expand(-1, -1, 2)

    def _weights(self, shots: Shots) -> Tensor:
        identity = torch.stack([person.identity for person in shots.people]).to(self.device)
        strength, besides = self._strength(shots), self._besides(shots)
        parts = [
            self._way(person.appearance).weights(
                identity[row, None], strength[row, None], besides[row, None]
            )
            for row, person in enumerate(shots.people)
        ]
        gaze = shots.gaze.to(self.device)
        return torch.cat(parts) + mix(torch.cat([gaze, -gaze], 1).clamp_min(0), self._gaze)

    def _besides(self, shots: Shots) -> Tensor:
        """(B, A): the face at rest, and what moves without being coded."""
        weights = torch.zeros(len(shots.people), len(self.head.action_names))
        bell = normal(seeds_of(shots), "rest", len(self._resting))
        weights[:, self._resting] = self.manner.rest * bell
        if shots.uncoded is not None:
            weights[:, self._uncoded] += shots.uncoded
        return weights.to(self.device)

    def _turned(self, shots: Shots) -> Tensor:
        return TURNING * super()._turned(shots)

    def _props(self, shots: Shots, shape: Tensor) -> Props:
        return worn(
            shape[:, self.head.landmarks68],
            shape[:, self._forehead],
            self._looks(shots),
            seeds_of(shots),
            shots.scene,
            shots.noise,
        )


def _forehead(head: Head) -> Tensor:
    """Rows of the skin from the brows up to where hair may begin, from temple to temple."""
    x, y, z = head.vertices.unbind(1)
    there = belonging(head, "skin") & (x.abs() < 6.5) & (y > 2.5) & (y < 9.5) & (z > 2.0)
    return there.nonzero().squeeze(1)


def resting_actions(head: Head) -> list[int]:
    """Rows of the actions that may be there at rest."""
    return [row for row, name in enumerate(head.action_names) if not name.startswith(OPENING)]


def way(face: Face, spread: float, seed: Tensor) -> Face:
    """A face whose AUs are made of other shares of the actions.

    Args:
        face: the usual one.
        spread: of the logarithm of a share.
        seed: (1,) int64.
    """
    own = copy.copy(face)
    bell = normal(seed, "shares", face.matrix.numel() // 2).view(-1, face.matrix.shape[1])
    # Left and right alike: strengths are what differs between them.
    shares = torch.exp(spread * bell).repeat_interleave(2, 0)
    own.matrix = face.matrix * shares.to(face.matrix.device)
    return own


def own_strength(manner: Manner, seeds: Tensor, activation: Tensor) -> Tensor:
    """(B, AUs, 2) strengths, left and right, for (B, AUs) activation in 0..5."""
    least, most = manner.curve
    power = least + (most - least) * uniform(seeds, "power", len(AUS))
    bell = normal(seeds, "strength", 2 * len(AUS)).view(-1, len(AUS), 2)
    gain = torch.exp(manner.strength * bell[..., 0])
    off = manner.side * bell[..., 1]
    side = torch.stack([gain + off, gain - off], -1)
    level = (activation / MAX_LEVEL) ** power
    return level[..., None] * side.clamp(0.4, 1.4)


def seeds_of(shots: Shots) -> Tensor:
    """(B,) int64 seeds of the people."""
    return torch.tensor([person.appearance for person in shots.people])
