"""The views stage: synthetic faces, shown from several sides before an estimator is fitted.

P1 (Synthetic Expressions, 2021), figure 5 (c): expressions are synthesized on frontal faces, and
the synthetic faces are rendered in nine views. Every use that the plan makes of a synthetic face
becomes one use in each view. The aligner that registered the synthetic face looks at it again,
which is why it must know the face in space.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from aukit.config.choice import Choice, named
from aukit.config.run import RunConfig
from aukit.contracts.faces import FaceBatch
from aukit.contracts.landmarker import IBUG68, Faces, Landmarker
from aukit.errors import ConfigError
from aukit.faces.alignment import alignment_of, write_alignment
from aukit.faces.registration import nobody
from aukit.faces.rows import known_face, shown_rows
from aukit.faces.shards import shard_path
from aukit.faces.stored import StoredFaces
from aukit.faces.views import in_view, interleaved, shows_views
from aukit.pipeline.stage import Stage
from aukit.pipeline.work import Work
from aukit.store.files import write_table
from aukit.store.stages import Result
from aukit.views import View

BATCH, SHARD = 32, 128
"""Faces shown in one go, and synthetic faces a shard."""


@dataclass(frozen=True)
class ShowViews(Stage):
    """Synthetic faces in several views, one row a view.

    Attributes:
        synthetic: the faces, as they were synthesized.
        aligner: registered the synthetic faces, and looks at them again.
        landmarker: finds what the aligner needs; None where the 68 points, which every registered
            face has, will do.
        views: pitch and yaw of each view, degrees.
        aus: AU columns.
    """

    name: ClassVar[str] = "show-views"
    synthetic: Result
    aligner: Choice
    landmarker: Choice | None
    views: tuple[View, ...]
    aus: tuple[str, ...]

    def compute(self, folder: Path, work: Work) -> None:
        """Leaves `part-*.parquet` in `records.face_schema`."""
        faces = StoredFaces([self.synthetic.folder], self.aus)
        write_alignment(folder, alignment_of(self.synthetic.folder))
        showing = _Showing(self, work, faces)
        with work.progress.start("show views", len(faces)) as bar:
            for number, start in enumerate(range(0, len(faces), SHARD)):
                rows = range(start, min(start + SHARD, len(faces)))
                if not shard_path(folder, number).exists():
                    write_table(shard_path(folder, number), showing.shard(rows))
                bar.advance(len(rows))


def needed_landmarker(aligner: Choice, landmarker: Choice | None) -> Choice | None:
    """The landmarker that must look at synthetic faces; None where their 68 points will do."""
    accepts = aligner.component.accepts
    return None if not accepts or IBUG68 in accepts else landmarker


def refuse_views(config: RunConfig, work: Work) -> None:
    """Find out before anything is fitted that views are asked for and cannot be shown.

    Raises:
        ConfigError: there is no synthesizer, or the aligner cannot show its faces.
    """
    if config.components["synth"] is None:
        raise ConfigError(
            "views are shown of synthetic faces, and no synthesizer is chosen",
            "choose one with --synth, or leave out --views",
        )
    role = config.roles["synth-paint"]
    shows_views(role.aligner, work.make(role.aligner))
    landmarker = needed_landmarker(role.aligner, role.landmarker)
    accepts = role.aligner.component.accepts
    found = (IBUG68,) if landmarker is None else work.make(landmarker).schemes
    if accepts and not set(accepts) & set(found):
        raise ConfigError(
            f"aligner '{role.aligner.component.name}' needs {' or '.join(accepts)} "
            "landmarks of the synthetic faces",
            "choose a landmarker that finds them: --landmarker mediapipe",
        )


class _Showing:
    """Shows some faces; holds the components that do it."""

    def __init__(self, stage: ShowViews, work: Work, faces: StoredFaces) -> None:
        self.stage = stage
        self.faces = faces
        self._aligner = shows_views(stage.aligner, work.make(stage.aligner))
        self._landmarker: Landmarker | None = (
            None if stage.landmarker is None else work.make(stage.landmarker)
        )

    def shard(self, rows: range) -> pa.Table:
        """All views of some faces."""
        parts = (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
        return pa.concat_tables([self._shown(list(part)) for part in parts])

    def _shown(self, rows: list[int]) -> pa.Table:
        batch, parents = self.faces.batch(rows), self.faces.table.take(rows)
        images, found = list(batch.images), self._found(batch)
        views = self.stage.views
        with named(self.stage.aligner, "show-views"):
            aligned = self._aligner.views(images, found, views)
        tables = [shown_rows(parents, each, self.faces.aus) for each in aligned]
        return interleaved([in_view(t, v) for t, v in zip(tables, views, strict=True)])

    def _found(self, batch: FaceBatch) -> Sequence[Faces]:
        if self._landmarker is None or self.stage.landmarker is None:
            return [known_face(points) for points in batch.landmarks]
        with named(self.stage.landmarker, "show-views"):
            many = self._landmarker.detect(list(batch.images))
        return [faces.one(0) if len(faces) else nobody() for faces in many]
