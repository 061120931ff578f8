"""The dataset `avatars-strangers`: people whom nothing that was fitted on avatars can know.

What is measured on the benchmark's own people says little of others: all of them are made of the
same shapes, and make every AU of the same actions. Here each person is a head model of its own. The
resting shape is warped by smooth random fields, AUs are made of other shares of the actions, grow
with other exponents and show in folds more or less, and some of every action is there at rest.
There are two families: `kin`, to learn from, and `odd`, to be tested on, whose warps are of another
kind and larger, and whose skin is mostly plain, as that of other people's head models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.data.records import TEST, TRAIN, VALID, index_schema
from aukit.errors import DataError
from aukit.seeds import seed_of
from aukit.views import FRONTAL, view_name
from aukit_avatars.actions import AUS, Face
from aukit_avatars.appearance import Looks
from aukit_avatars.camera import Camera
from aukit_avatars.dataset import batches
from aukit_avatars.head import mix
from aukit_avatars.known import frames_of
from aukit_avatars.people import Person, sample_person
from aukit_avatars.plugin import StrangersConfig
from aukit_avatars.randomness import normal, uniform
from aukit_avatars.render import Rendering
from aukit_avatars.scene import DOMAINS, Scenes
from aukit_avatars.sequences import EXPRESSIONS
from aukit_avatars.studio import Shots, Studio, Truth, looks_of
from aukit_avatars.wild import joined

NAME = "avatars-strangers"
TEXTURE = 256
"""Texels along the edge of the skin: painting people takes longest."""

WAYS = 24
"""Ways of making the AUs in a family."""

WAVES = 6
"""Waves in the field that warps a head."""

_TURNS = (7.0, 10.0, 4.0)  # spread of the head's pitch, yaw and roll, degrees
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


class Strangers:
    """People in about frontal pictures: each at rest once, then in expressions and single AUs.

    Args:
        config: which family, and how many.
        context: the device to render on. The run's seed plays no part: a recipe has its own.
    """

    aus = AUS
    landmarks = True

    def __init__(self, config: StrangersConfig, context: Context) -> None:
        self.config = config
        self._device = context.device
        self._person = lru_cache(maxsize=512)(self._draw_person)

    @cached_property
    def studio(self) -> Otherness:
        """Where the pictures are taken."""
        return Otherness(self.config.family, self._device)

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """(partition, subject) of all people, women and men in turn."""
        counts = {TRAIN: self.config.train, VALID: self.config.valid, TEST: self.config.test}
        return tuple(
            (partition, f"{'FM'[number % 2]}{number // 2 + 1:04d}")
            for partition, count in counts.items()
            for number in range(count)
        )

    def index(self) -> pa.Table:
        """All frames without pixels."""
        keys = [(*who, frame) for who in self.subjects for frame in range(self.config.frames)]
        levels = activation(self._moments(keys), _frames(keys)).round().numpy()
        view = view_name(FRONTAL)
        columns: dict[str, Any] = {
            "id": [f"{NAME}/{part}/{who}/{self.config.family}/{view}/{frame:05d}"
                   for part, who, frame in keys],
            "dataset": [NAME] * len(keys),
            "partition": [part for part, _, _ in keys],
            "subject": [who for _, who, _ in keys],
            "task": [self.config.family] * len(keys),
            "view": [view] * len(keys),
            "frame": np.array([frame for *_, frame in keys], np.int64),
            "time_s": np.zeros(len(keys)),
            **{au: levels[:, column] for column, au in enumerate(AUS)},
        }  # fmt: skip
        return pa.table(columns, schema=index_schema(AUS))

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pictures of some index rows, with their true landmarks."""
        for batch in batches(rows, self.config.size):
            yield frames_of(batch, self.truth(batch))

    def truth(self, rows: pa.Table) -> Truth:
        """Pictures with everything that is known about them.

        Raises:
            DataError: a row is not of this recipe.
        """
        keys = self._keys(rows)
        seeds = self._moments(keys)
        people = [self._person(part, who) for part, who, _ in keys]
        # A person stays in one room, before one camera.
        rooms = torch.tensor([self._seed("scene", part, who) for part, who, _ in keys])
        domain = (uniform(rooms, "domain", 1)[:, 0] < 0.5).long()
        parts, order = [], []
        for number, name in enumerate(DOMAINS):
            chosen = (domain == number).nonzero()[:, 0]
            if len(chosen):
                shots = _shots(people, seeds, rooms, _frames(keys), chosen, name)
                parts.append(self.studio.shoot(shots, self.config.size))
                order.append(chosen)
        return joined(parts, torch.cat(order).argsort())

    def _keys(self, rows: pa.Table) -> list[tuple[str, str, int]]:
        names = ("partition", "subject", "frame")
        keys = list(zip(*(rows.column(name).to_pylist() for name in names), strict=True))
        people, frames = set(self.subjects), range(self.config.frames)
        for name, (part, who, frame) in zip(rows["dataset"].to_pylist(), keys, strict=True):
            if not (name == NAME and (part, who) in people and frame in frames):
                raise DataError(
                    f"{name}/{part}/{who}, frame {frame}: not in this recipe",
                    "read the rows with the options that made the index",
                )
        return keys

    def _draw_person(self, partition: str, subject: str) -> Person:
        name = f"strangers/{self.config.family}/{partition}/{subject}"
        return sample_person(self.studio.head, self.config.seed, name, subject.startswith("F"))

    def _moments(self, keys: Sequence[tuple[Any, ...]]) -> Tensor:
        return torch.tensor([self._seed("moment", *key) for key in keys])

    def _seed(self, *names: object) -> int:
        return seed_of(self.config.seed, NAME, self.config.family, *names)


def _frames(keys: Sequence[tuple[Any, ...]]) -> Tensor:
    return torch.tensor([key[-1] for key in keys])


def _shots(
    people: Sequence[Person],
    seeds: Tensor,
    rooms: Tensor,
    frames: Tensor,
    rows: Tensor,
    domain: str,
) -> Shots:
    seeds = seeds[rows]
    bell, chance = normal(seeds, "pose", 3), uniform(seeds, "pose", 2)
    return Shots(
        people=[people[row] for row in rows.tolist()],
        activation=activation(seeds, frames[rows]),
        views=[FRONTAL] * len(rows),
        angles=(bell * bell.new_tensor(_TURNS)).clamp(-20, 20),
        gaze=(2 * chance - 1) * 0.6,
        scene=rooms[rows],
        noise=seeds,
        domain=domain,
    )


def activation(seeds: Tensor, frames: Tensor) -> Tensor:
    """(B, AUs) float32 in 0..5: nothing in frame 0; then in turn expressions and single AUs.

    Args:
        seeds: (B,) int64, one a picture.
        frames: (B,) int64.
    """
    chance = uniform(seeds, "strangers muscles", 4 + len(AUS))
    table = torch.tensor([[e.get(au, 0.0) for au in AUS] for e in EXPRESSIONS.values()])
    # Companions of an expression come and stay away as they like.
    company = (chance[:, 4:] < 0.85).float() * (0.6 + 0.6 * chance[:, 4:])
    peak = 1 + (MAX_LEVEL - 1) * chance[:, 1:2]
    expression = table[(chance[:, 0] * len(table)).long()] * peak * company
    count = 1 + (3 * chance[:, 2] ** 2).long()
    # The AUs whose numbers are the smallest of all are shown.
    place = chance[:, 4:].argsort(1).argsort(1)
    single = peak * (place < count[:, None]).float()
    chosen = torch.where((frames % 2 == 1)[:, None], expression, single)
    return (chosen * (frames > 0)[:, None]).clamp(0, MAX_LEVEL)
