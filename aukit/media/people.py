"""The people in a user's files, identified by file and track, and their neutral frames."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pyarrow as pa
import torch

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.data.records import OK, person_keys
from aukit.errors import DataError
from aukit.faces.registration import Which
from aukit.faces.stored import StoredFaces
from aukit.media.tracks import follow, picked, rewritten
from aukit.store.files import read_table

People = Literal["file", "folder", "one"]


@dataclass(frozen=True)
class Grouping:
    """Which faces to use, and how people are identified.

    Attributes:
        faces: `best`: the best face of a photo, the person seen most in a video; or `all`.
        people: one person per `file`, per `folder`, or `one` in all. With all faces, each track in
            a file is a person.
    """

    faces: Which = "best"
    people: People = "file"

    def person(self, path: Path, face: int) -> str:
        """The person key of a numbered face in a file."""
        names = {"file": path.as_posix(), "folder": path.parent.as_posix(), "one": ""}
        return f"{names[self.people]}#{face}" if self.faces == "all" else names[self.people]


@dataclass(frozen=True)
class Part:
    """The selected part of a shard of registered faces.

    Attributes:
        rows: rows without pixels.
        places: indices of the rows with a face among all registered faces.
        people: person keys of these rows.
    """

    rows: pa.Table
    places: list[int]
    people: list[str]


_COLUMNS = [
    *("id", "subject", "view", "frame", "time_s", "face", "box", "score"),
    *("valid_share", "occlusion", "status", "reason"),
]


def parts_of(paths: Sequence[Path], grouping: Grouping) -> Iterator[Part]:
    """Select from shards of registered faces that contain every face of every frame."""
    tracks = follow(paths)
    before = 0
    for path in paths:
        table = read_table(path, _COLUMNS)
        registered = [status == OK for status in table.column("status").to_pylist()]
        places = before + torch.tensor(registered).cumsum(0) - 1
        before += sum(registered)
        chosen = picked(table.to_pylist(), tracks, grouping.faces)
        rows = rewritten(table.take([row for row, _ in chosen]), [o for _, o in chosen], tracks)
        entries = rows.select(["status", "subject", "face"]).to_pylist()
        shown = [(row, entry) for row, entry in zip(chosen, entries, strict=True)]
        kept = [(row, entry) for (row, _), entry in shown if entry["status"] == OK]
        yield Part(
            rows,
            [int(places[row]) for row, _ in kept],
            [grouping.person(Path(entry["subject"]), entry["face"]) for _, entry in kept],
        )


class Followed:
    """Registered faces of people identified by file and track (`FaceSource`).

    Args:
        faces: the faces.
        rows: the rows to use.
        people: person key of each of these.
    """

    def __init__(self, faces: StoredFaces, rows: Sequence[int], people: Sequence[str]) -> None:
        self._faces = faces
        self._rows = list(rows)
        self.aus = faces.aus
        self.labels: Labels = faces.labels.take(self._rows)
        table = faces.table.take(pa.array(self._rows, pa.int64()))
        place = table.column_names.index("subject")
        names = pa.array(people, pa.string())
        self.table: pa.Table = table.set_column(place, table.schema.field(place), names)
        self._people = person_keys(self.table)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def people(self) -> list[str]:
        """Person key of each row."""
        return self._people

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """Decode the rows at `indices`, in that order, on the CPU."""
        chosen = list(indices)
        batch = self._faces.batch([self._rows[i] for i in chosen])
        return replace(batch, subjects=tuple(self._people[i] for i in chosen))

    def only(self, rows: Sequence[int]) -> Followed:
        """The faces at `rows`."""
        people = self.table.column("subject").to_pylist()
        return Followed(self._faces, [self._rows[i] for i in rows], [people[i] for i in rows])


def at_rest(source: Followed, frame: int) -> Followed:
    """The neutral faces of all people of a source, from the frame with a given number.

    Raises:
        DataError: a person has no face in this frame.
    """
    frames = source.table.column("frame").to_pylist()
    found = source.only([row for row, number in enumerate(frames) if number == frame])
    if missing := sorted(set(source.people) - set(found.people)):
        name = missing[0].split("/", 2)[2]
        raise DataError(
            f"the neutral frame {frame} has no face of {name}",
            "give a frame in which everyone's face is found",
        )
    return found
