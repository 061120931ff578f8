"""The dataset `avatars`: a recipe of people, tasks and views, rendered on demand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames, Meshes
from aukit.contracts.labels import Labels
from aukit.data.records import TEST, TRAIN, VALID, index_schema
from aukit.errors import DataError
from aukit.seeds import seed_of
from aukit.views import View, parse_view, view_name
from aukit_avatars.actions import AUS, check
from aukit_avatars.camera import views_of
from aukit_avatars.head import FORMAT
from aukit_avatars.individuals import Individuals
from aukit_avatars.known import frames_of, meshes_of
from aukit_avatars.people import Person, sample_person
from aukit_avatars.plugin import AvatarsConfig
from aukit_avatars.sequences import TASKS, perform
from aukit_avatars.sequences import Sequence as Performance
from aukit_avatars.studio import Shots, Studio, Truth

PIXELS_AT_ONCE = 1 << 20
"""Pixels rendered in one go: 64 pictures of 128 x 128."""


class Avatars:
    """Synthetic people with exact ground truth.

    Args:
        config: the recipe.
        context: the device to render on. The run's seed is ignored: a recipe has its own.
    """

    aus = AUS
    landmarks = True
    mesh = FORMAT

    def __init__(self, config: AvatarsConfig, context: Context) -> None:
        self.config = config
        self.name = _name(config)
        self.views = views_of(config.views)
        self._device = context.device
        self._person = lru_cache(maxsize=512)(self._draw_person)
        self._performance = lru_cache(maxsize=4096)(self._draw_performance)

    @cached_property
    def studio(self) -> Studio:
        """The studio that renders the pictures."""
        return (
            Studio(self._device) if self.config.version == 1 else Individuals(device=self._device)
        )

    @property
    def subjects(self) -> tuple[tuple[str, str], ...]:
        """(partition, subject) of all people, women and men alternating."""
        counts = {TRAIN: self.config.train, VALID: self.config.valid, TEST: self.config.test}
        return tuple(
            (partition, f"{'MF'[number % 2]}{(number + 1) // 2:03d}")
            for partition, count in counts.items()
            for number in range(1, count + 1)
        )

    def person(self, partition: str, subject: str) -> Person:
        """One of the people."""
        return self._person(partition, subject)

    def index(self) -> pa.Table:
        """All frames without pixels."""
        tables = [
            self._task_table(partition, subject, task)
            for partition, subject in self.subjects
            for task in self._tasks
        ]
        schema = index_schema(self.aus)
        return pa.concat_tables(tables) if tables else schema.empty_table()

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        """The pictures of index rows, with their true landmarks."""
        for batch in batches(rows, self.config.size):
            yield frames_of(batch, self.truth(batch))

    def meshes(self, rows: pa.Table) -> Iterator[Meshes]:
        """The pictures of index rows, with their meshes."""
        for batch in batches(rows, self.config.size):
            yield meshes_of(batch, self.truth(batch))

    def render(self, rows: pa.Table, targets: Labels) -> Frames:
        """Render the given frames with the AUs `targets`.

        Masked AUs keep the frame's own activation.

        Raises:
            ConfigError: an AU that avatars do not have, or a level outside 0..5.
        """
        return frames_of(rows, self.truth(rows, targets))

    def truth(self, rows: pa.Table, targets: Labels | None = None) -> Truth:
        """Pictures with complete ground truth: mesh, landmarks, pose, camera."""
        shots = self.shots(rows)
        if targets is not None:
            _replace(shots.activation, targets)
        return self.studio.shoot(shots, self.config.size)

    def activation(self, rows: pa.Table) -> Tensor:
        """(B, AUs) float32, the continuous activation behind the levels of index rows."""
        return self.shots(rows).activation

    def shots(self, rows: pa.Table) -> Shots:
        """The studio's input for index rows.

        Raises:
            DataError: a row is not of this recipe.
        """
        cells = [rows.column(name).to_pylist() for name in ("dataset", *_KEY)]
        keys = list(zip(*cells[1:], strict=True))
        self._check_rows(cells[0], keys)
        moments = [self._performance(part, who, task) for part, who, task, _, _ in keys]
        frames = [key[-1] for key in keys]
        return Shots(
            people=[self._person(key[0], key[1]) for key in keys],
            activation=_pick([moment.activation for moment in moments], frames),
            views=[parse_view(key[3]) for key in keys],
            angles=_pick([moment.angles for moment in moments], frames),
            gaze=_pick([moment.gaze for moment in moments], frames),
            scene=torch.tensor([self._seed("scene", *key[:3]) for key in keys]),
            noise=torch.tensor([self._seed("noise", *key) for key in keys]),
            domain=self.config.domain,
            uncoded=_pick([moment.uncoded for moment in moments], frames),
        )

    def _check_rows(self, datasets: Sequence[str], keys: Sequence[tuple[str, ...]]) -> None:
        people = set(self.subjects)
        for dataset, (partition, subject, task, _, frame) in zip(datasets, keys, strict=True):
            known = dataset == self.name and (partition, subject) in people and task in self._tasks
            if not (known and 0 <= int(frame) < self.config.frames):
                raise DataError(
                    f"{dataset}/{partition}/{subject}/{task}, frame {frame}: not in this recipe",
                    "read the rows with the options that the index was made with",
                )

    @property
    def _tasks(self) -> tuple[str, ...]:
        return tuple(TASKS)[: self.config.tasks]

    def _seed(self, *names: object) -> int:
        return seed_of(self.config.seed, self.config.domain, *names)

    def _draw_person(self, partition: str, subject: str) -> Person:
        name = f"{self.config.domain}/{partition}/{subject}"
        return sample_person(self.studio.head, self.config.seed, name, subject.startswith("F"))

    def _draw_performance(self, partition: str, subject: str, task: str) -> Performance:
        config = self.config
        who = f"{partition}/{subject}"
        return perform(
            config.seed,
            who,
            task,
            config.frames,
            config.rate,
            config.domain,
            lively=config.rates == "lively",
            version=config.version,
        )

    def _task_table(self, partition: str, subject: str, task: str) -> pa.Table:
        levels = self._performance(partition, subject, task).levels
        return pa.concat_tables(
            self._view_table((partition, subject, task), view, levels) for view in self.views
        )

    def _view_table(self, key: tuple[str, str, str], view: View, levels: np.ndarray) -> pa.Table:
        partition, subject, task = key
        count, name = len(levels), view_name(view)
        stem = f"{self.name}/{partition}/{subject}/{task}/{name}"
        columns = {
            "id": [f"{stem}/{frame:05d}" for frame in range(count)],
            "dataset": [self.name] * count,
            "partition": [partition] * count,
            "subject": [subject] * count,
            "task": [task] * count,
            "view": [name] * count,
            "frame": np.arange(count),
            "time_s": np.arange(count) / self.config.rate,
            **{au: levels[:, column] for column, au in enumerate(self.aus)},
        }
        return pa.table(columns, schema=index_schema(self.aus))


def _name(config: AvatarsConfig) -> str:
    """The name in tables: avatars, with version and domain where these are not the first."""
    version = "" if config.version == 1 else f"-{config.version}"
    return f"avatars{version}" if config.domain == "a" else f"avatars{version}-{config.domain}"


_KEY = ("partition", "subject", "task", "view", "frame")


def batches(rows: pa.Table, size: int) -> Iterator[pa.Table]:
    """Index rows in batches that are rendered together."""
    step = max(1, PIXELS_AT_ONCE // size**2)
    return (rows.slice(start, step) for start in range(0, rows.num_rows, step))


def _pick(arrays: Sequence[np.ndarray], frames: Sequence[int]) -> Tensor:
    """(B, K): row `frames[b]` of `arrays[b]`."""
    if not frames:
        return torch.zeros(0, 0)
    return torch.from_numpy(np.stack([a[f] for a, f in zip(arrays, frames, strict=True)]))


def _replace(activation: Tensor, targets: Labels) -> None:
    check(targets.aus, targets.values[targets.mask])
    for column, au in enumerate(targets.aus):
        mask = targets.mask[:, column]
        activation[mask, AUS.index(au)] = targets.values[mask, column].float().cpu()
