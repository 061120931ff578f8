"""The fitted stages: synthesizer, synthetic faces, normalizer, estimator."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from aukit.config.choice import make, named
from aukit.contracts.estimator import Estimator, TrainingSet
from aukit.contracts.faces import FaceSource
from aukit.contracts.normalizer import Normalizer
from aukit.contracts.synthesizer import Synthesizer
from aukit.errors import DataError
from aukit.faces.normalized import NormalizedFaces
from aukit.faces.stored import StoredFaces
from aukit.pipeline.prepare import Prepared, stored
from aukit.pipeline.stages.fit_synth import SynthFaces, fit_synthesizer
from aukit.pipeline.stages.fitting import load_fitted, save_fitted, session_of
from aukit.pipeline.stages.show_views import ShowViews
from aukit.pipeline.stages.synthesize import synthesize
from aukit.pipeline.stages.training_set import (
    plan_counts,
    planned_ids,
    planned_uses,
    synthetic_requests,
)
from aukit.runs.names import MODEL, PLAN
from aukit.store.files import read_table

if TYPE_CHECKING:
    from aukit.pipeline.work import Work


@dataclass(frozen=True)
class Fitted:
    """What the fitted stages leave.

    Attributes:
        estimator: stage folder of the estimator; the model is in `model`.
        synthesizer, synthetic, normalizer: stage folders, where there are such stages.
        judge: stage folder of the estimator that knows real frames only; with a synthesizer.
        lost: synthetic or real faces that the plan asked for and that do not exist.
    """

    estimator: Path
    synthesizer: Path | None
    synthetic: Path | None
    normalizer: Path | None
    judge: Path | None
    lost: int


class FitStages:
    """Runs these stages.

    Args:
        work: what the stages of the run share.
        prepared: what the stages before left.
    """

    def __init__(self, work: Work, prepared: Prepared) -> None:
        self.work = work
        self.config = work.config
        self.prepared = prepared
        self.plan = read_table(prepared.plan / PLAN)
        self._views = ShowViews(work)

    def run(self) -> Fitted:
        """Everything up to the fitted estimator."""
        synthesizer = self._fit_synthesizer()
        synthetic = self._synthesize(synthesizer)
        shown = self._views.run(synthetic, self.prepared.aus)
        normalizer = self._fit_normalizer(synthetic)
        judge = self._fit_judge()
        plan = self.prepared.plan
        estimator, lost = self._fit_estimator("fit-estimator", plan, shown, normalizer)
        return Fitted(estimator, synthesizer, synthetic, normalizer, judge, lost)

    def _fit_synthesizer(self) -> Path | None:
        prepared = self.prepared
        if prepared.synth_fit is None:
            return None
        faces = SynthFaces(prepared.aus, prepared.synth_fit, prepared.valid, prepared.alignment)
        return fit_synthesizer(self.work, faces)

    def _synthesize(self, fitted: Path | None) -> Path | None:
        requests = synthetic_requests(self.plan, self.prepared.aus)
        if requests.num_rows == 0:
            return None
        choice = self.config.components["synth"]
        if choice is None or fitted is None or self.prepared.synth_paint is None:
            raise DataError(
                f"the plan asks for {requests.num_rows} synthetic faces; no synthesizer is chosen",
                "choose one with --synth, or another --balancer",
            )
        painted = self.prepared.synth_paint

        def compute(folder: Path) -> None:
            synthesizer: Synthesizer = make(choice, self.work.context)
            with named(choice, "synthesize"):
                load_fitted(synthesizer, fitted, self.prepared.alignment)
                faces = StoredFaces([painted], self.prepared.aus)
                synthesize(synthesizer, faces, requests, folder, self.work.progress)

        document = {
            "synth": fitted.name,
            "faces": painted.name,
            "plan": self.prepared.plan.name,
            "seed": self.work.context.seed,
        }
        return self.work.stage("synthesize", "synthesize", document, compute)

    def _fit_normalizer(self, synthetic: Path | None) -> Path | None:
        choice, prepared = self.config.components["normalizer"], self.prepared
        if choice is None:
            return None
        # A synthetic face takes its parent's person, who may be in the faces to paint alone.
        painted = prepared.synth_paint if synthetic else None
        folders = (prepared.train, prepared.valid, prepared.test, painted)
        sources = list(dict.fromkeys(folder for folder in folders if folder is not None))

        def compute(folder: Path) -> None:
            normalizer: Normalizer = make(choice, self.work.context)
            with named(choice, "fit-normalizer"):
                for source in sources:
                    normalizer.fit(StoredFaces([source], prepared.aus))
                (folder / MODEL).mkdir(exist_ok=True)
                normalizer.save(folder / MODEL)

        document = {
            "normalizer": choice.to_json(),
            "faces": [source.name for source in sources],
        }
        return self.work.stage("fit-normalizer", "fit-normalizer", document, compute)

    def _fit_judge(self) -> Path | None:
        """The estimator of a run without a synthesizer; such a run finds it, and this one its."""
        if self.config.options.faces_on_card == 0 or self.prepared.reference is None:
            return None
        return self._fit_estimator("fit-judge", self.prepared.reference, None, None)[0]

    def _fit_estimator(
        self, label: str, planned_in: Path, synthetic: Path | None, normalizer: Path | None
    ) -> tuple[Path, int]:
        choice, prepared = self.config.need("estimator"), self.prepared
        folders = [prepared.train, *([synthetic] if synthetic else [])]
        faces, counts, lost = self.planned(planned_in, folders)

        def compute(folder: Path) -> None:
            estimator: Estimator = make(choice, self.work.context)
            valid = stored(prepared.valid, prepared.aus)
            train = TrainingSet(self.seen(faces, normalizer), counts)
            with named(choice, label):
                seen = None if valid is None else self.seen(valid, normalizer)
                estimator.fit(train, seen, session_of(self.work, "fit-estimator", folder))
                save_fitted(estimator, folder, prepared.aus, prepared.alignment)

        document = {
            "estimator": choice.to_json(),
            "plan": planned_in.name,
            "faces": [folder.name for folder in folders],
            "valid": prepared.valid.name if prepared.valid else None,
            "normalizer": normalizer.name if normalizer else None,
            "seed": self.work.context.seed,
        }
        return self.work.stage("fit-estimator", label, document, compute), lost

    def planned(self, planned_in: Path, folders: list[Path]) -> tuple[StoredFaces, Tensor, int]:
        """The faces that a plan may use, (N, A) how often it uses each, and the uses of faces that
        it asked for and that do not exist."""
        plan = read_table(planned_in / PLAN)
        faces = StoredFaces(folders, self.prepared.aus)
        counts = plan_counts(plan, planned_ids(faces.table), self.prepared.aus)
        wanted = planned_uses(plan, max(1, len(self._views.views)))
        return faces, counts, wanted - int(counts.sum())

    def seen(self, faces: FaceSource, normalizer: Path | None) -> FaceSource:
        """Faces as the estimator sees them: through the normalizer, if there is one."""
        choice = self.config.components["normalizer"]
        if choice is None or normalizer is None:
            return faces
        built: Normalizer = make(choice, self.work.context)
        built.load(normalizer / MODEL)
        return NormalizedFaces(faces, built)
