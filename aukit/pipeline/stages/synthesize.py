"""The synthesize stage: requests of a plan -> synthetic faces -> Parquet, in shards.

Every shard is made of the same batches whether or not the stage was interrupted, so its bytes are
the same; shards that an interrupted attempt finished are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from aukit.config.choice import named
from aukit.contracts.synthesizer import Synthesizer
from aukit.data.records import labels_of
from aukit.faces.alignment import alignment_of, write_alignment
from aukit.faces.painting import BATCH, paint
from aukit.faces.rows import synthetic_rows
from aukit.faces.shards import shard_path
from aukit.faces.stored import StoredFaces
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.training_set import synthetic_requests
from aukit.pipeline.work import Work
from aukit.progress import Progress
from aukit.runs.names import PLAN
from aukit.store.files import read_table, write_table
from aukit.store.stages import Result

SHARD = 1024
"""Faces synthesized in one go, and faces a shard."""


@dataclass(frozen=True)
class Synthesize(Stage):
    """The synthetic faces that a plan asks for.

    Attributes:
        synth: fitted.
        faces: among them the faces to synthesize.
        plan: what is asked for.
        aus: AUs of the targets.
        seed: of the run.
    """

    name: ClassVar[str] = "synthesize"
    synth: Fitted
    faces: Result
    plan: Result
    aus: tuple[str, ...]
    seed: int

    def compute(self, folder: Path, work: Work) -> None:
        """Leaves `part-*.parquet` in `records.face_schema`, in the order of the requests."""
        requests = synthetic_requests(read_table(self.plan.folder / PLAN), self.aus)
        alignment = alignment_of(self.faces.folder)
        write_alignment(folder, alignment)
        with named(self.synth.choice, self.name):
            synthesizer: Synthesizer = self.synth.load(work, self.seed, alignment)
            faces = StoredFaces([self.faces.folder], self.aus)
            synthesize(synthesizer, faces, requests, folder, work.progress)


def synthesize(
    synthesizer: Synthesizer,
    faces: StoredFaces,
    requests: pa.Table,
    folder: Path,
    progress: Progress,
) -> None:
    """Fill a folder with shards of synthetic faces.

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
    """Tables of synthetic faces; each is encoded while the next is synthesized."""
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
