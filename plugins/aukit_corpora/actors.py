"""Avatars for imitations: pictures, codes and landmarks of synthetic people.

The avatars belong to another plugin, so they are built through the registry, as in a run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aukit.config.choice import build
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import IBUG68
from aukit.data.codes import Floats
from aukit.data.records import labels_of
from aukit.registry.loading import default_registry


@dataclass(frozen=True)
class Cast:
    """The size of an imitation.

    Attributes:
        people: number of people.
        tasks: tasks per person.
        frames: frames per task and view.
        size: side of the pictures, pixels.
        views: views, as for the avatars.
        seed: seed of everything.
    """

    people: int
    tasks: int = 1
    frames: int = 8
    size: int = 128
    views: str = "frontal"
    seed: int = 0


@dataclass(frozen=True)
class Take:
    """One performance in one view.

    Attributes:
        person, task, view: numbers from 0.
        pictures: (T, 3, H, W) uint8.
        levels: (T, A) float32, whole levels 0..5 in the order of `aus`.
        points: (T, 68, 2) float32 pixels.
        aus: AU columns.
    """

    person: int
    task: int
    view: int
    pictures: Tensor
    levels: Floats
    points: Tensor
    aus: tuple[str, ...]

    def codes(self, au: str) -> list[int]:
        """The level of an AU in every frame."""
        found: list[int] = self.levels[:, self.aus.index(au)].astype(int).tolist()
        return found


def takes(cast: Cast) -> Iterator[Take]:
    """All takes of a cast, rendered one at a time."""
    component = default_registry().find("data", "avatars")
    options: dict[str, Any] = {
        "train": cast.people, "valid": 0, "test": 0, "tasks": cast.tasks, "frames": cast.frames,
        "size": cast.size, "views": cast.views, "seed": cast.seed, "rate": 2.0,
    }  # fmt: skip
    layer = {key: Value(raw, "imitation") for key, raw in options.items()}
    avatars = component.load()(build(component, [layer])[0], Context())
    index = avatars.index()
    count = index.num_rows // cast.frames
    views = count // (cast.people * cast.tasks)
    for number in range(count):
        rows = index.slice(number * cast.frames, cast.frames)
        person, task = number // (cast.tasks * views), number // views % cast.tasks
        levels = _with_everything(labels_of(rows, avatars.aus).values.numpy(), person + task)
        codes = Labels(
            avatars.aus, torch.from_numpy(levels), torch.ones(levels.shape, dtype=torch.bool)
        )
        yield Take(
            person=person,
            task=task,
            view=number % views,
            levels=levels,
            aus=avatars.aus,
            **_filmed(avatars.render(rows, codes)),
        )


def _with_everything(levels: Floats, turn: int) -> Floats:
    """Codes in which each AU shows once at least: few frames would leave the rare ones out."""
    levels = levels.astype(np.float32)
    for column in range(levels.shape[1]):
        frame = (5 * column + 3 * turn) % len(levels)
        levels[frame, column] = max(levels[frame, column], 1 + (column + turn) % 5)
    return levels


def _filmed(frames: Any) -> dict[str, Tensor]:
    return {
        "pictures": torch.stack(frames.images),
        "points": torch.cat([face.landmarks[IBUG68] for face in frames.faces]),
    }
