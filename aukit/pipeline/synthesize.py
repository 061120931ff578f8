"""The synthesize stage: requests of a plan -> painted faces -> Parquet, in shards.

Every shard is made of the same batches whether or not the stage was interrupted, so its bytes are
the same; shards that an interrupted attempt finished are kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import Synthesizer
from aukit.errors import PluginError
from aukit.faces import StoredFaces
from aukit.pipeline.align import shard_path
from aukit.progress import Progress
from aukit.records import SYNTHETIC, face_schema, labels_of, with_labels
from aukit.store import write_table
from aukit.vision import images as images_io

BATCH = 64
SHARD = 1024
"""Faces painted in one go, and faces a shard."""


def synthesize(
    synthesizer: Synthesizer,
    faces: StoredFaces,
    requests: pa.Table,
    folder: Path,
    progress: Progress,
) -> None:
    """Fill a folder with shards of painted faces.

    Args:
        synthesizer: a fitted one.
        faces: among them the sources of all requests.
        requests: `training_set.synthetic_requests` of a plan.
        folder: gets `part-*.parquet` in `records.face_schema`, in the order of the requests.
        progress: shows how far it is.

    Raises:
        PluginError: the synthesizer returned images of another shape or type.
    """
    position = {name: row for row, name in enumerate(faces.table.column("id").to_pylist())}
    with progress.start("synthesize", requests.num_rows) as bar:
        for number, start in enumerate(range(0, requests.num_rows, SHARD)):
            part = requests.slice(start, SHARD)
            if shard_path(folder, number).exists():
                bar.advance(part.num_rows)
                continue
            rows = [position[name] for name in part.column("source").to_pylist()]
            tables = []
            for table in _painted(synthesizer, faces, rows, part):
                tables.append(table)
                bar.advance(table.num_rows)
            write_table(shard_path(folder, number), pa.concat_tables(tables))


def _painted(
    synthesizer: Synthesizer, faces: StoredFaces, rows: list[int], requests: pa.Table
) -> Iterator[pa.Table]:
    """Tables of painted faces; each is encoded while the next is painted."""
    with ThreadPoolExecutor(1) as encoder:
        waiting: Future[pa.Table] | None = None
        for start in range(0, len(rows), BATCH):
            chosen, part = rows[start : start + BATCH], requests.slice(start, BATCH)
            batch, targets = faces.batch(chosen), labels_of(part, faces.aus)
            images = paint(synthesizer, batch, targets, part.column("seed").to_pylist())
            if waiting is not None:
                yield waiting.result()
            waiting = encoder.submit(
                synthetic_rows, faces.table.take(chosen), part, batch.labels, targets, images
            )
        if waiting is not None:
            yield waiting.result()


def paint(
    synthesizer: Synthesizer, faces: FaceBatch, targets: Labels, seeds: Sequence[int | None]
) -> Tensor:
    """What a synthesizer makes of some faces, held to its contract.

    Raises:
        PluginError: it returned images of another shape or type.
    """
    words = torch.tensor([seed or 0 for seed in seeds], dtype=torch.int64)
    images = synthesizer.synthesize(faces, targets, words)
    if images.shape != faces.images.shape or images.dtype != torch.uint8:
        raise PluginError(
            f"synthesize returned {images.dtype} {tuple(images.shape)}, "
            f"not uint8 {tuple(faces.images.shape)}"
        )
    return images.cpu()


def synthetic_rows(
    parents: pa.Table, requests: pa.Table, shown: Labels, targets: Labels, images: Tensor
) -> pa.Table:
    """Painted faces as rows of `records.face_schema`.

    A synthetic row inherits everything from its parent but the pixels and the labels. AUs that
    were not asked for keep what the parent shows, in the picture and so in the label.

    Args:
        parents: rows of the painted faces, without pixels.
        requests: `id`, `source` and `seed` of each.
        shown: labels of the parents.
        targets: what was asked for.
        images: (B, 3, S, S) uint8.
    """
    replaced: dict[str, Any] = {
        "id": requests.column("id"),
        "parent": requests.column("source"),
        "seed": requests.column("seed"),
        "origin": pa.repeat(SYNTHETIC, requests.num_rows),
    }
    table = parents
    for name, values in replaced.items():
        place = table.column_names.index(name)
        table = table.set_column(place, name, values.cast(table.schema.field(name).type))
    labels = Labels(
        targets.aus,
        targets.values.where(targets.mask, shown.values),
        targets.mask | shown.mask,
    )
    table = with_labels(table, labels)
    table = table.append_column("image", pa.array(images_io.encode(images), pa.binary()))
    schema = face_schema(targets.aus)
    return table.select(schema.names).cast(schema)
