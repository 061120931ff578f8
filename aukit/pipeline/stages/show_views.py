"""The views stage: synthetic faces, shown from several sides before an estimator is fitted.

P1 (Synthetic Expressions, 2021), figure 5 (c): expressions are painted on frontal faces, and the
painted faces are rendered in nine views. Every use that the plan makes of a synthetic face becomes
one use in each view. The aligner that registered the painted face looks at it again, which is why
it must know the face in space.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from torch import Tensor

from aukit.config.choice import make, named
from aukit.config.run import Role
from aukit.contracts.faces import FaceBatch
from aukit.contracts.landmarker import IBUG68, Faces, Landmarker
from aukit.errors import ConfigError
from aukit.faces.registration import nobody
from aukit.faces.rows import known_face, shown_rows
from aukit.faces.shards import shard_path
from aukit.faces.stored import StoredFaces
from aukit.faces.views import in_view, interleaved, shows_views
from aukit.store.files import write_table
from aukit.views import View, parse_views, view_name

if TYPE_CHECKING:
    from aukit.pipeline.work import Work

NO_VIEWS = "none"
BATCH, SHARD = 32, 128
"""Faces shown in one go, and synthetic faces a shard."""


class ShowViews:
    """Shows the synthetic faces of a run.

    Args:
        work: what the stages of the run share.

    Raises:
        ConfigError: views are asked for and cannot be shown; found before anything is fitted.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        asked = work.config.options.views
        self.views: tuple[View, ...] = () if asked == NO_VIEWS else parse_views(asked)
        if self.views:
            self._check()

    @property
    def role(self) -> Role:
        """How the painted faces were registered."""
        return self.work.config.roles["synth-paint"]

    def _check(self) -> None:
        if self.work.config.components["synth"] is None:
            raise ConfigError(
                "views are shown of synthetic faces, and no synthesizer is chosen",
                "choose one with --synth, or leave out --views",
            )
        shows_views(self.role.aligner, self._aligner)
        accepts = self.role.aligner.component.accepts
        found = (IBUG68,) if self._landmarker is None else self._landmarker.schemes
        if accepts and not set(accepts) & set(found):
            raise ConfigError(
                f"aligner '{self.role.aligner.component.name}' needs {' or '.join(accepts)} "
                "landmarks of the synthetic faces",
                "choose a landmarker that finds them: --landmarker mediapipe",
            )

    @functools.cached_property
    def _aligner(self) -> Any:
        return make(self.role.aligner, self.work.context)

    @functools.cached_property
    def _landmarker(self) -> Landmarker | None:
        """Needed only where the 68 points, which every registered face has, will not do."""
        accepts = self.role.aligner.component.accepts
        if self.role.landmarker is None or not accepts or IBUG68 in accepts:
            return None
        found: Landmarker = make(self.role.landmarker, self.work.context)
        return found

    def run(self, synthetic: Path | None, aus: tuple[str, ...]) -> Path | None:
        """The stage folder of the faces to learn from; the given one if no views are asked for."""
        if synthetic is None or not self.views:
            return synthetic

        def compute(folder: Path) -> None:
            faces = StoredFaces([synthetic], aus)
            with self.work.progress.start("show views", len(faces)) as bar:
                for number, start in enumerate(range(0, len(faces), SHARD)):
                    rows = range(start, min(start + SHARD, len(faces)))
                    if not shard_path(folder, number).exists():
                        write_table(shard_path(folder, number), self._shard(faces, rows))
                    bar.advance(len(rows))

        role = self.role
        document = {
            "synthetic": synthetic.name,
            "views": [view_name(view) for view in self.views],
            "aligner": role.aligner.to_json(),
            "landmarker": role.landmarker.to_json() if role.landmarker else None,
        }
        return self.work.stage("show-views", "show-views", document, compute)

    def _shard(self, faces: StoredFaces, rows: range) -> pa.Table:
        parts = (rows[start : start + BATCH] for start in range(0, len(rows), BATCH))
        return pa.concat_tables([self._shown(faces, list(part)) for part in parts])

    def _shown(self, faces: StoredFaces, rows: list[int]) -> pa.Table:
        batch, parents = faces.batch(rows), faces.table.take(rows)
        images, found = list(batch.images), self._found(batch)
        with named(self.role.aligner, "show-views"):
            aligned = shows_views(self.role.aligner, self._aligner).views(images, found, self.views)
        tables = [shown_rows(parents, each, faces.aus) for each in aligned]
        return interleaved([in_view(t, v) for t, v in zip(tables, self.views, strict=True)])

    def _found(self, batch: FaceBatch) -> Sequence[Faces]:
        if self._landmarker is None:
            return [known_face(points) for points in batch.landmarks]
        assert self.role.landmarker is not None
        with named(self.role.landmarker, "show-views"):
            many = self._landmarker.detect(list(batch.images))
        return [faces.one(0) if len(faces) else nobody() for faces in many]


def _where(good: Tensor, values: Tensor) -> list[Any]:
    pairs = zip(good.tolist(), values.tolist(), strict=True)
    return [value if ok else None for ok, value in pairs]
