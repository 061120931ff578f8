"""Whole frames of a dataset: summaries, and export for other programs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor

from aukit.contracts.dataset import Dataset, Frames
from aukit.contracts.landmarker import IBUG68
from aukit.data.records import (
    DROPPED,
    OK,
    SCHEMA_VERSION,
    au_columns,
    index_schema,
    level_counts,
    person_keys,
)
from aukit.errors import DataError
from aukit.progress import Progress, Silent
from aukit.store.files import write_table
from aukit.vision import images

CHUNK = 128
"""Frames per file, so that an interrupted export loses little."""


def frame_schema(aus: Sequence[str]) -> pa.Schema:
    """The index columns, then the frame.

    `image` is PNG; `width` and `height` its size; `landmarks`, the dataset's own 68 iBUG points of
    the first face as x y pairs in pixels, null where it has none; `status` is `ok` or `dropped`,
    the latter with a `reason`.
    """
    points = pa.list_(pa.field("element", pa.float32()), 136)
    frame = [
        pa.field("image", pa.binary()),
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("landmarks", points),
        pa.field("status", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
    ]
    columns = list(index_schema(aus))
    start = len(columns) - len(aus)
    metadata = {"aukit.schema": str(SCHEMA_VERSION), "aukit.content": "frames"}
    return pa.schema([*columns[:start], *frame, *columns[start:]], metadata=metadata)


def export(
    dataset: Dataset, rows: pa.Table, folder: Path, progress: Progress | None = None
) -> list[Path]:
    """Write frames as Parquet files; files finished by an interrupted export are kept.

    Args:
        dataset: provides the pixels.
        rows: rows of its index.
        folder: an existing folder.
        progress: shows progress.

    Returns:
        the files, in the order of the rows.
    """
    paths = []
    with (progress or Silent()).start("render", rows.num_rows) as bar:
        for number, start in enumerate(range(0, rows.num_rows, CHUNK)):
            chunk = rows.slice(start, CHUNK)
            paths.append(folder / f"frames-{number:05d}.parquet")
            if not paths[-1].exists():
                write_table(paths[-1], pa.concat_tables(map(frame_table, dataset.read(chunk))))
            bar.advance(chunk.num_rows)
    return paths


def frame_table(frames: Frames) -> pa.Table:
    """Frames as a table in `frame_schema`."""
    aus = au_columns(frames.rows)
    count = frames.rows.num_rows
    columns: dict[str, Any] = {
        "image": [None if image is None else _png(image) for image in frames.images],
        "width": [None if image is None else int(image.shape[2]) for image in frames.images],
        "height": [None if image is None else int(image.shape[1]) for image in frames.images],
        "landmarks": [_landmarks(frames, row) for row in range(count)],
        "status": [DROPPED if image is None else OK for image in frames.images],
        "reason": list(frames.reasons),
    }
    schema = frame_schema(aus)
    arrays = [
        pa.array(columns[f.name], f.type)
        if f.name in columns
        else frames.rows.column(f.name).cast(f.type).combine_chunks()
        for f in schema
    ]
    return pa.table(arrays, schema=schema)


def _png(image: Tensor) -> bytes:
    return images.encode(image[None])[0]


def _landmarks(frames: Frames, row: int) -> list[float] | None:
    if frames.faces is None or IBUG68 not in frames.faces[row].landmarks:
        return None
    points = frames.faces[row].landmarks[IBUG68]
    return None if len(points) == 0 else points[0].flatten().tolist()


@dataclass(frozen=True)
class Summary:
    """A summary of a dataset.

    Attributes:
        frames, people: number of frames and people.
        partitions: name (`none` if not assigned) -> `frames`, `people`, `tasks`, `views`.
        aus: AU column -> frames at each code (`records.level_counts`).
    """

    frames: int
    people: int
    partitions: Mapping[str, Mapping[str, int]]
    aus: Mapping[str, Sequence[int]]


def summarize(index: pa.Table) -> Summary:
    """Summarize an index."""
    names = [name or "none" for name in index.column("partition").to_pylist()]
    partitions = {}
    for name in dict.fromkeys(names):
        part = index.filter(pa.array([other == name for other in names]))
        partitions[name] = {
            "frames": part.num_rows,
            "people": len(set(person_keys(part))),
            "tasks": pc.count_distinct(part.column("task")).as_py(),
            "views": pc.count_distinct(part.column("view")).as_py(),
        }
    return Summary(
        frames=index.num_rows,
        people=len(set(person_keys(index))),
        partitions=partitions,
        aus={name: level_counts(index, name) for name in au_columns(index)},
    )


def spread(index: pa.Table, count: int) -> pa.Table:
    """`count` rows, evenly spaced over an index; all of it if there are fewer.

    Raises:
        DataError: the index is empty.
    """
    if index.num_rows == 0:
        raise DataError("there are no frames to show")
    count = min(count, index.num_rows)
    return index.take([(2 * i + 1) * index.num_rows // (2 * count) for i in range(count)])


def pictures(dataset: Dataset, rows: pa.Table) -> Iterator[tuple[dict[str, Any], Tensor | None]]:
    """(index row, picture or None) pairs of frames."""
    for frames in dataset.read(rows):
        yield from zip(frames.rows.to_pylist(), frames.images, strict=True)
