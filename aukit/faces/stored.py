"""Registered faces in Parquet shards: random access with bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.data.records import labels_of, person_keys
from aukit.errors import DataError
from aukit.faces.mapped import MappedRows
from aukit.faces.pictures import DecodedPictures, EncodedPictures, decode
from aukit.store.files import read_schema, read_table

DECODED_LIMIT = 1 << 30
"""Bytes of decoded pixels that are kept."""


def shards(folder: Path) -> list[Path]:
    """The Parquet shards of a stage folder, in order."""
    return sorted(folder.glob("part-*.parquet"))


GEOMETRY = ("box", "landmarks", "transform")
"""Columns that take most of the space of rows without pixels."""


def read_rows(folder: Path, *, geometry: bool = False) -> pa.Table:
    """All rows of a stage folder without pixels, dropped ones included.

    Args:
        folder: with `part-*.parquet` in `records.face_schema`.
        geometry: with the columns `GEOMETRY` too.

    Raises:
        DataError: there are none, or a shard is damaged.
    """
    left_out = {"image", *(() if geometry else GEOMETRY)}
    tables = []
    for path in shards(folder):
        tables.append(read_table(path, [n for n in read_schema(path).names if n not in left_out]))
    if not tables:
        raise DataError(f"{folder} contains no faces")
    return pa.concat_tables(tables)


def _why(parts: Sequence[Path], partition: str | None) -> str:
    """How many frames were dropped for which reason, most frequent first; empty if none were."""
    tables = [read_table(path, ["partition", "reason"]) for path in parts]
    rows = pa.concat_tables(tables).filter(pc.field("reason").is_valid())
    if partition is not None:
        rows = rows.filter(pc.field("partition") == partition)
    counts = Counter(rows["reason"].to_pylist()).most_common()
    return "".join(f"; {count} x {reason}" for reason, count in counts)


class StoredFaces:
    """Faces of stage folders as a `FaceSource`.

    Args:
        folders: stage folders with `part-*.parquet` in `records.face_schema`.
        aus: AU columns of the labels.
        partition: only rows of this partition; None takes all.
        limit: bytes of decoded pixels that are kept.

    Raises:
        DataError: no usable row is left.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        aus: tuple[str, ...],
        partition: str | None = None,
        limit: int = DECODED_LIMIT,
    ) -> None:
        self.aus = aus
        parts = [path for folder in folders for path in shards(folder)]
        if not parts:
            raise DataError(f"{', '.join(map(str, folders))} contains no faces")
        self._rows = MappedRows(parts, partition)
        self.table: pa.Table = self._rows.table
        if self.table.num_rows == 0:
            where = "" if partition is None else f" in partition '{partition}'"
            raise DataError(
                f"no registered faces are left{where}{_why(parts, partition)}",
                "look at the pictures (`aukit data sample`) and at the options of landmarker and "
                "aligner; `--landmarker none` uses the dataset's own landmarks, if it has any",
            )
        self.labels: Labels = labels_of(self.table, aus)
        self._subjects = person_keys(self.table)
        self._encoded = EncodedPictures(parts, self._rows.places)
        self._pictures = DecodedPictures(self._encoded, len(self), limit)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @property
    def people(self) -> list[str]:
        """Person key of each row."""
        return self._subjects

    def images(self, indices: Sequence[int]) -> Tensor:
        """uint8 (B, 3, S, S) of some rows."""
        return self._pictures.take(indices)

    def rows(self, indices: Sequence[int]) -> pa.Table:
        """Some rows with their encoded pictures, in `records.face_schema`."""
        pictures = pa.array(list(map(bytes, self._encoded.take(indices))), pa.binary())
        return self._rows.take(indices).append_column("image", pictures)

    def batch(self, indices: Sequence[int]) -> FaceBatch:
        """Decode the rows at `indices`, in that order, on the CPU."""
        chosen = list(indices)
        rows = self._rows.take(chosen, ["id", "landmarks"])
        return FaceBatch(
            ids=tuple(rows.column("id").to_pylist()),
            subjects=tuple(self._subjects[i] for i in chosen),
            images=self.images(chosen),
            labels=self.labels.take(chosen),
            landmarks=_landmarks(rows),
        )


def face_batch(rows: pa.Table, aus: tuple[str, ...]) -> FaceBatch:
    """The faces of rows with pictures, on the CPU.

    Raises:
        DataError: a picture is damaged.
    """
    return FaceBatch(
        ids=tuple(rows.column("id").to_pylist()),
        subjects=tuple(person_keys(rows)),
        images=decode(rows.column("image").to_pylist()),
        labels=labels_of(rows, aus),
        landmarks=_landmarks(rows),
    )


def _landmarks(rows: pa.Table) -> Tensor:
    """Landmarks of rows, (N, 68, 2) float32."""
    values = rows.column("landmarks").combine_chunks().values.to_numpy()
    return torch.from_numpy(values.reshape(-1, 68, 2).copy())
