"""The align stage: frames -> landmarks -> registered faces -> Parquet, in shards.

Shards finished by an interrupted attempt are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aukit.config.choice import Choice
from aukit.data.records import partition_rows, view_rows
from aukit.faces.alignment import write_alignment
from aukit.faces.registration import Registration
from aukit.faces.shards import align_rows
from aukit.pipeline.stage import Stage
from aukit.pipeline.work import Work
from aukit.runs.names import INDEX
from aukit.store.files import read_table
from aukit.store.stages import Result


@dataclass(frozen=True)
class Align(Stage):
    """The registered faces of a partition of a dataset.

    Attributes:
        data, landmarker, aligner: the chosen components; without a landmarker the dataset's own
            landmarks are used.
        index: index of the dataset.
        partition: partition to register; None: frames without a partition.
        views: names of the views to register; empty: all.
    """

    name: ClassVar[str] = "align"
    data: Choice
    landmarker: Choice | None
    aligner: Choice
    index: Result
    partition: str | None
    views: tuple[str, ...] = ()

    def compute(self, folder: Path, work: Work) -> None:
        """Write `part-*.parquet` in `records.face_schema`, one row per frame."""
        registration = Registration(self.data, self.landmarker, self.aligner, work.context())
        index = read_table(self.index.folder / INDEX)
        rows = view_rows(partition_rows(index, self.partition), self.views)
        write_alignment(folder, registration.describe())
        align_rows(registration, rows, folder, work.executor, work.progress)
