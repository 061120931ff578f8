"""The synthesize stage: requests of a plan -> synthetic faces -> Parquet, in shards.

Every shard consists of the same batches whether or not the stage was interrupted, so its bytes are
the same. Shards finished by an interrupted attempt are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa

from aukit.config.choice import named
from aukit.contracts.context import Context
from aukit.contracts.executor import Executor, Portable
from aukit.contracts.synthesizer import Synthesizer
from aukit.data.records import labels_of
from aukit.faces.alignment import alignment_of, write_alignment
from aukit.faces.painting import BATCH, paint
from aukit.faces.rows import synthetic_rows
from aukit.faces.shards import parts_of, rows_of, write_shards
from aukit.faces.stored import StoredFaces, face_batch
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.training_set import synthetic_requests
from aukit.pipeline.work import Work
from aukit.progress import Progress
from aukit.runs.names import PLAN
from aukit.store.files import read_table
from aukit.store.stages import Result

SHARD = 1024
"""Faces per shard."""


@dataclass(frozen=True)
class Synthesize(Stage):
    """The synthetic faces that a plan asks for.

    Attributes:
        synth: the fitted synthesizer.
        faces: faces that include all sources.
        plan: the plan with the requests.
        aus: AUs of the targets.
        seed: seed of the run.
    """

    name: ClassVar[str] = "synthesize"
    synth: Fitted
    faces: Result
    plan: Result
    aus: tuple[str, ...]
    seed: int

    def compute(self, folder: Path, work: Work) -> None:
        """Write `part-*.parquet` in `records.face_schema`, in the order of the requests."""
        requests = synthetic_requests(read_table(self.plan.folder / PLAN), self.aus)
        alignment = alignment_of(self.faces.folder)
        write_alignment(folder, alignment)
        faces = StoredFaces([self.faces.folder], self.aus)
        making = Synthesizing(self.synth, self.aus, alignment, work.context(self.seed))
        synthesize(making, faces, requests, folder, work.executor, work.progress)


def synthesize(
    making: Synthesizing,
    faces: StoredFaces,
    requests: pa.Table,
    folder: Path,
    executor: Executor,
    progress: Progress,
) -> None:
    """Fill a folder with shards of synthetic faces.

    Args:
        making: synthesizes the faces of a shard.
        faces: faces that include the sources of all requests.
        requests: `training_set.synthetic_requests` of a plan.
        folder: receives `part-*.parquet` in `records.face_schema`, in the order of the requests.
        executor: runs `making`.
        progress: shows progress.

    Raises:
        PluginError: the synthesizer returned images of a wrong shape or dtype.
    """
    position = {name: row for row, name in enumerate(faces.table.column("id").to_pylist())}

    def requested(part: range) -> Requested:
        asked = rows_of(requests, part)
        sources = [position[name] for name in asked.column("source").to_pylist()]
        return Requested(faces.rows(sources), asked)

    with progress.start("synthesize", requests.num_rows) as bar:
        parts = parts_of(requests.num_rows, SHARD)
        write_shards(folder, parts, requested, making, executor, bar)


@dataclass(frozen=True)
class Requested:
    """The inputs of a shard.

    Attributes:
        sources: rows in `records.face_schema`, the source face of each request.
        requests: rows of `training_set.synthetic_requests`.
    """

    sources: pa.Table
    requests: pa.Table


@dataclass(frozen=True)
class Synthesizing(Portable):
    """Synthesizes the faces of a shard; the function that executors map.

    Attributes:
        synth: the fitted synthesizer.
        aus: AUs of the targets.
        alignment: alignment of the sources.
        context: context to build the synthesizer with.
    """

    synth: Fitted
    aus: tuple[str, ...]
    alignment: Mapping[str, Any]
    context: Context

    @functools.cached_property
    def synthesizer(self) -> Synthesizer:
        """The synthesizer, loaded once per process."""
        with named(self.synth.choice, Synthesize.name):
            synthesizer: Synthesizer = self.synth.load(self.context, self.alignment)
        return synthesizer

    def __call__(self, requested: Requested) -> pa.Table:
        """Rows in `records.face_schema`.

        Raises:
            PluginError: the synthesizer returned images of a wrong shape or dtype.
        """
        return pa.concat_tables(list(self._made(requested)))

    def _made(self, requested: Requested) -> Iterator[pa.Table]:
        """One table per batch; each is encoded while the next is synthesized."""
        with ThreadPoolExecutor(1) as encoder:
            waiting: Future[pa.Table] | None = None
            for start in range(0, requested.requests.num_rows, BATCH):
                sources = requested.sources.slice(start, BATCH)
                asked = requested.requests.slice(start, BATCH)
                batch, targets = face_batch(sources, self.aus), labels_of(asked, self.aus)
                with named(self.synth.choice, Synthesize.name):
                    seeds = asked.column("seed").to_pylist()
                    images = paint(self.synthesizer, batch, targets, seeds)
                if waiting is not None:
                    yield waiting.result()
                parents = sources.drop_columns("image")
                waiting = encoder.submit(
                    synthetic_rows, parents, asked, batch.labels, targets, images
                )
            if waiting is not None:
                yield waiting.result()
