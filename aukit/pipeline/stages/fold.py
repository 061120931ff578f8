"""Folds of registered faces: every fold reuses the same align stages."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aukit.data.folds import Fold, Weights, divide
from aukit.data.records import au_columns, labels_of, person_keys
from aukit.errors import DataError
from aukit.faces.alignment import alignment_of, write_alignment
from aukit.faces.shards import shard_path, write_faces
from aukit.faces.stored import shards
from aukit.pipeline.stage import Stage
from aukit.pipeline.work import Work
from aukit.statistics.levels import label_counts
from aukit.store.files import read_table, write_aside
from aukit.store.stages import Result

PERSON = ["dataset", "partition", "subject"]


@dataclass(frozen=True)
class PeopleOfFold(Stage):
    """The faces of given people, from all partitions.

    Attributes:
        faces: registered faces of all partitions, shared by every fold.
        people: keys of the people to take, sorted.
    """

    name: ClassVar[str] = "fold"
    faces: tuple[Result, ...]
    people: tuple[str, ...]

    def compute(self, folder: Path, work: Work) -> None:
        """Write `part-*.parquet` in `records.face_schema`."""
        sources = [source.folder for source in self.faces]
        write_alignment(folder, alignment_of(sources[0]))
        pick_people(sources, self.people, folder)


def people_of(index: pa.Table) -> list[str]:
    """Keys of all people of an index, sorted; the input of `aukit.data.folds.folds_of`."""
    return sorted(set(person_keys(index)))


def division(index: pa.Table, fold: Fold, seed: int) -> dict[str, str]:
    """Person -> partition in a fold.

    The people of all partitions are divided, and those without one. Their keys keep the dataset's
    own partition, since two partitions may use the same subject code for two people.

    Args:
        index: the dataset's frames (`records.index_schema`).
        fold: the fold.
        seed: as for `aukit.data.folds.divide`.

    Raises:
        DataError: the people cannot be divided in this way.
    """
    codes = dict(zip(person_keys(index), index.column("subject").to_pylist(), strict=True))
    return divide(fold, codes, label_weights(index), seed)


def label_weights(index: pa.Table) -> Weights:
    """Person -> number of coded frames at each level of each AU, shape (A * 6,)."""
    labels = labels_of(index, au_columns(index))
    people = np.array(person_keys(index))
    order = np.argsort(people, kind="stable")
    names, starts = np.unique(people[order], return_index=True)
    rows = np.split(order, starts[1:])
    return {
        str(name): label_counts(labels.take(own.tolist())).ravel().astype(np.float64)
        for name, own in zip(names, rows, strict=True)
    }


def pick_people(sources: Sequence[Path], people: Iterable[str], folder: Path) -> None:
    """Fill a stage folder with the faces of given people from other stage folders.

    A shard with nobody else in it is hard-linked, not copied, so folds cost little disk space.

    Args:
        sources: stage folders with `part-*.parquet`.
        people: keys of the people to take.
        folder: an existing folder.
    """
    wanted = set(people)
    number = 0
    for path in (path for source in sources for path in shards(source)):
        keys = person_keys(read_table(path, PERSON))
        keep = [key in wanted for key in keys]
        if all(keep):
            _link(path, shard_path(folder, number))
        elif any(keep):
            write_faces(shard_path(folder, number), read_table(path).filter(keep))
        number += any(keep)


def _link(path: Path, target: Path) -> None:
    with write_aside(target) as aside:
        aside.unlink(missing_ok=True)
        try:
            os.link(path, aside)
        except OSError:  # the file system has no hard links
            aside.write_bytes(path.read_bytes())


def is_divided(index: pa.Table, divided: Mapping[str, str], role: str) -> bool:
    """Whether a role's people are those that a fold divides; other people keep their partitions.

    Raises:
        DataError: some of them are and some are not.
    """
    people = people_of(index)
    strangers = [person for person in people if person not in divided]
    if 0 < len(strangers) < len(people):
        raise DataError(
            f"{len(strangers)} of {len(people)} people of role {role} are in no partition of the "
            f"fold, e.g. {strangers[0]}",
            "use roles that have either exactly the fold's people or none of them",
        )
    return not strangers


def partitions_of(index: pa.Table) -> list[str | None]:
    """The partitions of an index, sorted, None (not assigned) last."""
    names = pc.unique(index.column("partition")).to_pylist()
    return sorted(names, key=lambda name: (name is None, name or ""))
