"""The dataset `avatars-wild`: avatars in any expression, view, light and camera.

The benchmark (`dataset.py`) imitates corpora: tasks, base rates, at most nine views. Models that
find faces in any picture need the opposite: every picture has another moment, view, light and
camera. Its people are not those of the benchmark.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames, Meshes
from aukit.data.records import TEST, TRAIN, VALID, index_schema
from aukit.errors import DataError
from aukit.seeds import seed_of
from aukit.views import View, view_name
from aukit.vision.rotation import rotations
from aukit_avatars.actions import AUS
from aukit_avatars.camera import MOST_PITCH, MOST_YAW, Camera
from aukit_avatars.dataset import batches
from aukit_avatars.head import FORMAT
from aukit_avatars.known import frames_of, meshes_of
from aukit_avatars.otherness import Otherness
from aukit_avatars.people import Person, sample_person
from aukit_avatars.plugin import WildConfig
from aukit_avatars.randomness import normal, uniform
from aukit_avatars.scene import DOMAINS
from aukit_avatars.sequences import EXPRESSIONS
from aukit_avatars.studio import Shots, Studio, Truth

NAME = "avatars-wild"
TEXTURE = 256
"""Texels along the edge of the skin; a face in these pictures has half as many pixels."""

_NEAR, _FAR = 45.0, 180.0  # centimetres from the camera, from a selfie to a studio
_HEIGHT, _HEIGHT_SPREAD = 30.0, 0.05  # centimetres that fill the picture: room for any crop
_FACE = (0.0, -0.8, 6.0)  # the point of the head's frame in the middle of the picture
_NODDING = (7.0, 9.0, 7.0)  # spread of the head's pitch, yaw and roll on the neck, degrees


@dataclass(frozen=True)
class Moments:
    """What is drawn for B pictures, each from a seed of its own.

    Attributes:
        activation: (B, AUs) float32, 0..5.
        views: (B, 2) float32 degrees, pitch and yaw, rounded to whole degrees.
        angles: (B, 3) degrees, the head on the neck.
        gaze: (B, 2) in -1..1.
        distance, height, shift: of the camera; (B,), (B,) and (B, 2) centimetres.
        domain: (B,) int64, row of `DOMAINS`: whose light and camera.
    """

    activation: Tensor
    views: Tensor
    angles: Tensor
    gaze: Tensor
    distance: Tensor
    height: Tensor
    shift: Tensor
    domain: Tensor


def draw(seeds: Tensor) -> Moments:
    """Draw a moment for each of (B,) int64 seeds."""
    chance = uniform(seeds, "wild moment", 8)
    bell = normal(seeds, "wild moment", 8)
    return Moments(
        activation=_activation(seeds),
        views=_views(chance[:, :4], bell[:, :2]),
        angles=(bell[:, 2:5] * bell.new_tensor(_NODDING)).clamp(-20, 20),
        gaze=2 * chance[:, 4:6] - 1,
        distance=_NEAR * (_FAR / _NEAR) ** chance[:, 6],
        height=_HEIGHT * torch.exp(_HEIGHT_SPREAD * bell[:, 5]),
        shift=0.8 * bell[:, 6:8],
        domain=(chance[:, 7] < 0.5).long(),
    )


def _views(chance: Tensor, bell: Tensor) -> Tensor:
    """Pitch and yaw: half from anywhere within the camera's range, half from about the front."""
    most = chance.new_tensor([MOST_PITCH, MOST_YAW])
    anywhere = (2 * chance[:, :2] - 1) * most
    ahead = bell * chance.new_tensor([12.0, 22.0])
    return torch.where(chance[:, 2:4] < 0.5, anywhere, ahead).clamp(-most, most).round()


def _activation(seeds: Tensor) -> Tensor:
    """An expression of everyday life, single AUs at random, or both; eyes shut, mouth open."""
    chance = uniform(seeds, "wild muscles", 8 + 2 * len(AUS))
    single, levels = chance[:, 8:].chunk(2, 1)
    which = (chance[:, 0] * len(EXPRESSIONS)).long()
    peak = (1 + (MAX_LEVEL - 1) * chance[:, 1]) * (chance[:, 2] < 0.65)
    activation = _expressions()[which] * peak[:, None]
    free = MAX_LEVEL * levels * (single < 0.18) * (chance[:, 3:4] < 0.6)
    activation = torch.maximum(activation, free)
    _more(activation, "AU43", chance[:, 4], share=0.1, level=0.5 + levels[:, 0])
    _more(activation, "AU26", chance[:, 5], share=0.2, level=levels[:, 1])
    _more(activation, "AU25", chance[:, 5], share=0.2, level=0.5 + 0.5 * levels[:, 2])
    return (activation * (chance[:, 6:7] < 0.93)).clamp(0, MAX_LEVEL)


def _more(activation: Tensor, au: str, chance: Tensor, share: float, level: Tensor) -> None:
    column = activation[:, AUS.index(au)]
    torch.maximum(column, MAX_LEVEL * level * (chance < share), out=column)


@lru_cache(maxsize=1)
def _expressions() -> Tensor:
    """(expressions, AUs) shares of the peak."""
    rows = [[shares.get(au, 0.0) for au in AUS] for shares in EXPRESSIONS.values()]
    return torch.tensor(rows)


class WildAvatars:
    """Avatars of all kinds in pictures of all kinds, with exact ground truth.

    Args:
        config: numbers of people and pictures.
        context: the device to render on. The run's seed is ignored: a recipe has its own.
    """

    aus = AUS
    landmarks = True
    mesh = FORMAT

    def __init__(self, config: WildConfig, context: Context) -> None:
        self.config = config
        self._device = context.device

    @cached_property
    def studio(self) -> Studio:
        """The studio that renders the pictures."""
        family = self.config.family
        return Otherness(family, self._device) if family else Studio(self._device, texture=TEXTURE)

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """(partition, subject) of all people, women and men alternating."""
        counts = {TRAIN: self.config.train, VALID: self.config.valid, TEST: self.config.test}
        return tuple(
            (partition, f"{'FM'[number % 2]}{number // 2 + 1:05d}")
            for partition, count in counts.items()
            for number in range(count)
        )

    def index(self) -> pa.Table:
        """All frames without pixels."""
        keys = [(*who, frame) for who in self.subjects for frame in range(self.config.frames)]
        moments = draw(self._seeds("moment", keys))
        names = [view_name(view) for view in _pairs(moments.views)]
        levels = moments.activation.round().numpy()
        columns: dict[str, Any] = {
            "id": [f"{NAME}/{part}/{who}/wild/{name}/{frame:05d}"
                   for (part, who, frame), name in zip(keys, names, strict=True)],
            "dataset": [NAME] * len(keys),
            "partition": [part for part, _, _ in keys],
            "subject": [who for _, who, _ in keys],
            "task": ["wild"] * len(keys),
            "view": names,
            "frame": np.array([frame for *_, frame in keys], np.int64),
            "time_s": np.zeros(len(keys)),
            **{au: levels[:, column] for column, au in enumerate(AUS)},
        }  # fmt: skip
        return pa.table(columns, schema=index_schema(AUS))

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pictures of index rows, with their true landmarks."""
        for batch in batches(rows, self.config.size):
            yield frames_of(batch, self.truth(batch))

    def meshes(self, rows: pa.Table) -> Iterator[Meshes]:
        """The pictures of index rows, with their meshes."""
        for batch in batches(rows, self.config.size):
            yield meshes_of(batch, self.truth(batch))

    def truth(self, rows: pa.Table) -> Truth:
        """Pictures with complete ground truth.

        Raises:
            DataError: a row is not of this recipe.
        """
        names = ("partition", "subject", "frame")
        keys = list(zip(*(rows.column(name).to_pylist() for name in names), strict=True))
        self._check(rows, keys)
        seeds = self._seeds("moment", keys)
        moments = draw(seeds)
        people = [self._person(part, who) for part, who, _ in keys]
        parts, order = [], []
        for number, domain in enumerate(DOMAINS):
            chosen = (moments.domain == number).nonzero().squeeze(1)
            if len(chosen):
                parts.append(self._shoot(people, moments, seeds, chosen, domain))
                order.append(chosen)
        return joined(parts, torch.cat(order).argsort())

    def _shoot(
        self, people: Sequence[Person], moments: Moments, seeds: Tensor, rows: Tensor, domain: str
    ) -> Truth:
        views = moments.views[rows]
        shots = Shots(
            people=[people[row] for row in rows.tolist()],
            activation=moments.activation[rows],
            views=_pairs(views),
            angles=moments.angles[rows],
            gaze=moments.gaze[rows],
            scene=seeds[rows],
            noise=seeds[rows],
            domain=domain,
        )
        turn = rotations(torch.nn.functional.pad(views, (0, 1)))
        centre = (turn * torch.tensor(_FACE)).sum(-1)[:, :2]
        shift = moments.shift[rows] - centre
        camera = Camera(turn, shift, moments.distance[rows], moments.height[rows])
        return self.studio.shoot(shots, self.config.size, camera.to(self._device))

    def _person(self, partition: str, subject: str) -> Person:
        name = f"wild/{partition}/{subject}"
        return sample_person(self.studio.head, self.config.seed, name, subject.startswith("F"))

    def _seeds(self, purpose: str, keys: Sequence[tuple[Any, ...]]) -> Tensor:
        return torch.tensor([seed_of(self.config.seed, NAME, purpose, *key) for key in keys])

    def _check(self, rows: pa.Table, keys: Sequence[tuple[str, str, int]]) -> None:
        people, frames = set(self.subjects), range(self.config.frames)
        names = rows.column("dataset").to_pylist()
        for name, (part, who, frame) in zip(names, keys, strict=True):
            if not (name == NAME and (part, who) in people and frame in frames):
                raise DataError(
                    f"{name}/{part}/{who}, frame {frame}: not in this recipe",
                    "read the rows with the options that the index was made with",
                )


def _pairs(views: Tensor) -> list[View]:
    return [(float(pitch), float(yaw)) for pitch, yaw in views.tolist()]


def joined(parts: Sequence[Truth], order: Tensor) -> Truth:
    """One truth of several, its rows in another order."""
    values: dict[str, Any] = {
        field.name: torch.cat([getattr(part, field.name) for part in parts])[order]
        for field in fields(Truth)
        if field.name != "camera"
    }
    cameras = [part.camera for part in parts]
    values["camera"] = Camera(
        *(torch.cat([getattr(c, f.name) for c in cameras])[order] for f in fields(Camera))
    )
    return Truth(**values)
