"""The dataset `avatars-strangers`: people unlike those of the other avatar datasets.

Results on the benchmark's people do not carry over to others, since all of them share the same
shapes and make every AU from the same actions. Here each person has a head model of its own: the
neutral shape is warped by smooth random fields, AUs mix the actions in other shares, grow with
other exponents and show more or less in folds, and some of every action is present at rest. There
are two families: `kin` for training, and `odd` for testing, with larger warps of another kind and
mostly plain skin, like other head models.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from aukit_avatars.actions import AUS
from aukit_avatars.dataset import batches
from aukit_avatars.known import frames_of
from aukit_avatars.otherness import Otherness
from aukit_avatars.people import Person, sample_person
from aukit_avatars.plugin import StrangersConfig
from aukit_avatars.randomness import normal, uniform
from aukit_avatars.scene import DOMAINS
from aukit_avatars.sequences import EXPRESSIONS
from aukit_avatars.studio import Shots, Truth
from aukit_avatars.wild import joined

NAME = "avatars-strangers"
_TURNS = (7.0, 10.0, 4.0)  # spread of the head's pitch, yaw and roll, degrees


class Strangers:
    """People in roughly frontal pictures: neutral once, then in expressions and single AUs.

    Args:
        config: family and numbers.
        context: the device to render on. The run's seed is ignored: a recipe has its own.
    """

    aus = AUS
    landmarks = True

    def __init__(self, config: StrangersConfig, context: Context) -> None:
        self.config = config
        self._device = context.device
        self._person = lru_cache(maxsize=512)(self._draw_person)

    @cached_property
    def studio(self) -> Otherness:
        """The studio that renders the pictures."""
        return Otherness(self.config.family, self._device)

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """(partition, subject) of all people, women and men alternating."""
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
        """The pictures of index rows, with their true landmarks."""
        for batch in batches(rows, self.config.size):
            yield frames_of(batch, self.truth(batch))

    def truth(self, rows: pa.Table) -> Truth:
        """Pictures with complete ground truth.

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
                    "read the rows with the options that the index was made with",
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
