"""The views stage: renders synthetic faces in several views before an estimator is fitted.

P1 (Synthetic Expressions, 2021), figure 5 (c): expressions are synthesized on frontal faces, and
the synthetic faces are rendered in nine views. Every planned use of a synthetic face becomes one
use per view. The aligner that registered the face registers the synthetic face again, so it must
be a 3D aligner. With a plan that names the view of each face
(`per_view`), a face is shown in that view alone: 500 faces are drawn for each AU, level and pose.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa

from aukit.config.choice import Choice, make, named
from aukit.config.run import RunConfig
from aukit.contracts.aligner import ShowsViews
from aukit.contracts.context import Context
from aukit.contracts.executor import Portable
from aukit.contracts.faces import FaceBatch
from aukit.contracts.landmarker import IBUG68, Faces, Landmarker
from aukit.errors import ConfigError
from aukit.faces.alignment import alignment_of, write_alignment
from aukit.faces.registration import nobody
from aukit.faces.rows import known_face, shown_rows
from aukit.faces.shards import parts_of, write_shards
from aukit.faces.stored import StoredFaces, face_batch
from aukit.faces.views import in_view, interleaved, shows_views
from aukit.pipeline.stage import Stage
from aukit.pipeline.stages.training_set import requested_views
from aukit.pipeline.work import Work
from aukit.runs.names import PLAN
from aukit.store.files import read_table
from aukit.store.stages import Result
from aukit.views import View, parse_view, view_name

BATCH, SHARD = 32, 128
"""Faces per batch, and synthetic faces per shard."""
WANTED = "wanted"
"""Column with the names of the views that are wanted of a face."""


@dataclass(frozen=True)
class ShowViews(Stage):
    """Synthetic faces in several views, one row per view.

    Attributes:
        synthetic: the faces as synthesized.
        aligner: registered the sources, and registers the synthetic faces again.
        landmarker: finds landmarks for the aligner; None if the 68 points of every registered
            face suffice.
        views: pitch and yaw of each view, degrees.
        aus: AU columns.
        plan: says in which view each face is shown; None: in all.
    """

    name: ClassVar[str] = "show-views"
    synthetic: Result
    aligner: Choice
    landmarker: Choice | None
    views: tuple[View, ...]
    aus: tuple[str, ...]
    plan: Result | None = None

    def compute(self, folder: Path, work: Work) -> None:
        """Write `part-*.parquet` in `records.face_schema`."""
        faces = StoredFaces([self.synthetic.folder], self.aus)
        write_alignment(folder, alignment_of(self.synthetic.folder))
        showing = Showing(self.aligner, self.landmarker, self.aus, work.context())
        wanted = self._wanted(faces.table.column("id").to_pylist())

        def asked(part: range) -> pa.Table:
            names = pa.array(wanted[part.start : part.stop], pa.list_(pa.string()))
            return faces.rows(part).append_column(WANTED, names)

        with work.progress.start("show views", len(faces)) as bar:
            write_shards(folder, parts_of(len(faces), SHARD), asked, showing, work.executor, bar)

    def _wanted(self, ids: Sequence[str]) -> list[list[str]]:
        """Names of the views of each synthetic face."""
        if self.plan is None:
            return [[view_name(view) for view in self.views]] * len(ids)
        known = requested_views(read_table(self.plan.folder / PLAN), self.aus)
        return [known[name] for name in ids]


def needed_landmarker(aligner: Choice, landmarker: Choice | None) -> Choice | None:
    """The landmarker needed for synthetic faces; None if their 68 points suffice."""
    accepts = aligner.component.accepts
    return None if not accepts or IBUG68 in accepts else landmarker


def refuse_views(config: RunConfig, work: Work) -> None:
    """Refuse, before anything is fitted, views that cannot be shown.

    Raises:
        ConfigError: there is no synthesizer, or the aligner cannot show views.
    """
    if config.components["synth"] is None:
        raise ConfigError(
            "views apply to synthetic faces, but no synthesizer is chosen",
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


@dataclass(frozen=True)
class Showing(Portable):
    """The wanted views of some faces; the function that executors map.

    Attributes:
        aligner, landmarker, aus: see `ShowViews`.
        context: context to build the components with.
    """

    aligner: Choice
    landmarker: Choice | None
    aus: tuple[str, ...]
    context: Context

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Rows in `records.face_schema`, one a view, for rows of the same and a column `WANTED`."""
        parts = (rows.slice(start, BATCH) for start in range(0, rows.num_rows, BATCH))
        return pa.concat_tables([self._shown(part) for part in parts])

    @functools.cached_property
    def _aligner(self) -> ShowsViews:
        return shows_views(self.aligner, make(self.aligner, self.context))

    @functools.cached_property
    def _landmarker(self) -> Landmarker | None:
        return None if self.landmarker is None else make(self.landmarker, self.context)

    def _shown(self, rows: pa.Table) -> pa.Table:
        groups: dict[tuple[str, ...], list[int]] = {}
        for place, names in enumerate(rows.column(WANTED).to_pylist()):
            groups.setdefault(tuple(names), []).append(place)
        faces = rows.drop_columns(WANTED)
        return pa.concat_tables(
            self._in_views(faces.take(places), [parse_view(name) for name in names])
            for names, places in groups.items()
        )

    def _in_views(self, rows: pa.Table, views: Sequence[View]) -> pa.Table:
        batch, parents = face_batch(rows, self.aus), rows.drop_columns("image")
        images, found = list(batch.images), self._found(batch)
        with named(self.aligner, ShowViews.name):
            aligned = self._aligner.views(images, found, views)
        tables = [shown_rows(parents, each, self.aus) for each in aligned]
        return interleaved([in_view(t, v) for t, v in zip(tables, views, strict=True)])

    def _found(self, batch: FaceBatch) -> Sequence[Faces]:
        if self._landmarker is None or self.landmarker is None:
            return [known_face(points) for points in batch.landmarks]
        with named(self.landmarker, ShowViews.name):
            many = self._landmarker.detect(list(batch.images))
        return [faces.one(0) if len(faces) else nobody() for faces in many]
