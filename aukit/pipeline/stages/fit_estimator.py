"""The stage that fits an estimator on the faces a plan chose; also fits the judge of a card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from torch import Tensor

from aukit.config.choice import Choice, named
from aukit.contracts.estimator import Estimator, TrainingSet
from aukit.contracts.faces import FaceSource
from aukit.contracts.labels import Labels
from aukit.errors import DataError
from aukit.faces.alignment import alignment_of
from aukit.faces.normalized import NormalizedFaces
from aukit.faces.stored import StoredFaces
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.fitting import save_fitted
from aukit.pipeline.stages.training_set import plan_counts, planned_ids, planned_uses
from aukit.pipeline.work import Work
from aukit.runs.names import PLAN
from aukit.store.files import read_table
from aukit.store.stages import Result


@dataclass(frozen=True)
class FitEstimator(Stage):
    """A fitted estimator.

    Attributes:
        estimator: the component.
        plan: how often each face is used.
        faces: real training faces, then synthetic ones.
        valid: faces of held-out people, for choosing the epoch; None if there are none.
        normalizer: applied to the faces first; None for none.
        aus: AUs to learn.
        seed: seed of the run.
    """

    name: ClassVar[str] = "fit-estimator"
    together: ClassVar[bool] = True
    estimator: Choice
    plan: Result
    faces: tuple[Result, ...]
    valid: Result | None
    normalizer: Fitted | None
    aus: tuple[str, ...]
    seed: int

    def compute(self, folder: Path, work: Work) -> None:
        """Write the model and the scalars of the fit."""
        estimator: Estimator = work.make(self.estimator, self.seed)
        faces = StoredFaces([source.folder for source in self.faces], self.aus)
        counts = uses_of(read_table(self.plan.folder / PLAN), faces.table, self.aus)
        refuse_constant(faces.labels, counts)
        train = TrainingSet(self._seen(faces, work), counts)
        valid = None if self.valid is None else StoredFaces([self.valid.folder], self.aus)
        with named(self.estimator, self.name):
            seen = None if valid is None else self._seen(valid, work)
            estimator.fit(train, seen, work.session(self.name, folder, self.seed))
            save_fitted(estimator, folder, faces.labels, alignment_of(self.faces[0].folder))

    def _seen(self, faces: FaceSource, work: Work) -> FaceSource:
        if self.normalizer is None:
            return faces
        return NormalizedFaces(faces, self.normalizer.load(work.context(self.seed)))


@dataclass(frozen=True)
class FitAlone(FitEstimator):
    """A fitted estimator that gains nothing from several processes; the same result."""

    together: ClassVar[bool] = False


def refuse_constant(labels: Labels, counts: Tensor) -> None:
    """Refuse training sets in which every AU has only one code: nothing can be learned.

    Args:
        labels: labels of N faces.
        counts: (N, A) uses.

    Raises:
        DataError: no AU has more than one code.
    """
    used = labels.mask & (counts > 0)
    for column in range(len(labels.aus)):
        codes = labels.values[used[:, column], column]
        if len(codes) == 0 or bool((codes != codes[0]).any()):
            return
    raise DataError(
        "for every AU, all training faces have the same code: there is nothing to learn",
        "use data with several expressions, or another --balancer",
    )


def uses_of(plan: pa.Table, rows: pa.Table, aus: tuple[str, ...]) -> Tensor:
    """(N, A) float32: how often a plan uses each face for each AU."""
    return plan_counts(plan, planned_ids(rows, plan), aus)


def lost_uses(plan: pa.Table, faces: Sequence[Path], aus: tuple[str, ...], views: int) -> int:
    """Number of planned uses of faces that do not exist.

    Args:
        plan: table in `records.plan_schema`.
        faces: folders of the existing faces.
        aus: AU columns.
        views: views per synthetic face, at least 1.
    """
    counts = uses_of(plan, StoredFaces(faces, aus).table, aus)
    return planned_uses(plan, views) - int(counts.sum())
