"""The fitted stages: synthesizer, synthetic faces, normalizer, estimator."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from aukit.contracts.estimator import Estimator, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.normalizer import Normalizer
from aukit.contracts.synthesizer import Synthesizer
from aukit.errors import DataError, PluginError
from aukit.faces import StoredFaces
from aukit.models import CARD, load_card, refuse_other_alignment
from aukit.pipeline.align import Registration
from aukit.pipeline.guard import make, named
from aukit.pipeline.prepare import PLAN, Prepared, stored
from aukit.pipeline.preview import FOLDER as PREVIEWS
from aukit.pipeline.preview import Previews
from aukit.pipeline.synthesize import synthesize
from aukit.pipeline.training_set import plan_counts, synthetic_requests
from aukit.pipeline.truth import Truth
from aukit.seeds import seed_of
from aukit.store import read_table, write_json
from aukit.training import Session

if TYPE_CHECKING:
    from aukit.pipeline.execute import Work

MODEL, TRAINING = "model", "training"


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


class NormalizedFaces:
    """A face source seen through a normalizer.

    Args:
        faces: the source.
        normalizer: a fitted one.
    """

    def __init__(self, faces: FaceSource, normalizer: Normalizer) -> None:
        self._faces = faces
        self._normalizer = normalizer
        self.aus = faces.aus
        self.table = faces.table
        self.labels: Labels = faces.labels

    def __len__(self) -> int:
        return len(self._faces)

    def batch(self, indices: Any) -> FaceBatch:
        """Decode and normalize the rows at `indices`."""
        batch = self._faces.batch(indices)
        return replace(batch, images=self._normalizer.apply(batch))


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

    def run(self) -> Fitted:
        """Everything up to the fitted estimator."""
        synthesizer = self._fit_synthesizer()
        synthetic = self._synthesize(synthesizer)
        normalizer = self._fit_normalizer(synthetic)
        judge = self._fit_judge()
        plan = self.prepared.plan
        estimator, lost = self._fit_estimator("fit-estimator", plan, synthetic, normalizer)
        return Fitted(estimator, synthesizer, synthetic, normalizer, judge, lost)

    def _session(self, label: str, folder: Path) -> Session:
        work = self.work
        checkpoints = folder / TRAINING
        checkpoints.mkdir(exist_ok=True)
        return Session(
            folder=checkpoints,
            device=work.context.device,
            seed=seed_of(work.context.seed, label),
            progress=work.progress,
            on_scalars=lambda step, values: work.run.scalars(label, step, values),
        )

    def _fit_synthesizer(self) -> Path | None:
        choice, prepared = self.config.components["synth"], self.prepared
        if choice is None or prepared.synth_fit is None:
            return None
        source = prepared.synth_fit

        def compute(folder: Path) -> None:
            synthesizer: Synthesizer = make(choice, self.work.context)
            with named(choice, "fit-synth"):
                faces = StoredFaces([source], prepared.aus)
                session = self._session("fit-synth", folder)
                session = replace(session, preview=self._previews(faces.labels, session.folder))
                synthesizer.fit(faces, session)
                save_fitted(synthesizer, folder, prepared)

        document = {
            "synth": choice.to_json(),
            "faces": source.name,
            "aus": list(prepared.aus),
            "seed": self.work.context.seed,
        }
        return self.work.stage("fit-synth", "fit-synth", document, compute)

    def _previews(self, fitted: Labels, folder: Path) -> Previews | None:
        """Pictures of validation people during the fit; None without such people."""
        faces = stored(self.prepared.valid, self.prepared.aus)
        if faces is None:
            return None
        role = self.config.roles["train"]
        how = Registration(role.data, role.landmarker, role.aligner, self.work.context)
        truth = Truth(how)
        return Previews(faces, fitted, truth if truth.known else None, folder / PREVIEWS)

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
        sources = [f for f in (prepared.train, prepared.valid, prepared.test) if f is not None]

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
            "synthetic": synthetic.name if synthetic else None,
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
        plan = read_table(planned_in / PLAN)
        folders = [prepared.train, *([synthetic] if synthetic else [])]
        faces = StoredFaces(folders, prepared.aus)
        counts = plan_counts(plan, faces.table.column("id").to_pylist(), prepared.aus)
        planned = int(torch.tensor(plan.column("count").to_numpy()).sum())

        def compute(folder: Path) -> None:
            estimator: Estimator = make(choice, self.work.context)
            valid = stored(prepared.valid, prepared.aus)
            train = TrainingSet(self.seen(faces, normalizer), counts)
            with named(choice, label):
                seen = None if valid is None else self.seen(valid, normalizer)
                estimator.fit(train, seen, self._session("fit-estimator", folder))
                save_fitted(estimator, folder, prepared)

        document = {
            "estimator": choice.to_json(),
            "plan": planned_in.name,
            "faces": [folder.name for folder in folders],
            "valid": prepared.valid.name if prepared.valid else None,
            "normalizer": normalizer.name if normalizer else None,
            "seed": self.work.context.seed,
        }
        folder = self.work.stage("fit-estimator", label, document, compute)
        return folder, planned - int(counts.sum())

    def seen(self, faces: FaceSource, normalizer: Path | None) -> FaceSource:
        """Faces as the estimator sees them: through the normalizer, if there is one."""
        choice = self.config.components["normalizer"]
        if choice is None or normalizer is None:
            return faces
        built: Normalizer = make(choice, self.work.context)
        built.load(normalizer / MODEL)
        return NormalizedFaces(faces, built)


def save_fitted(component: Any, folder: Path, prepared: Prepared) -> None:
    """Save a fitted component, its card completed with the AUs and the alignment of its faces.

    Raises:
        PluginError: the component wrote no card.
    """
    model = folder / MODEL
    model.mkdir(exist_ok=True)
    component.save(model)
    if not (model / CARD).is_file():
        raise PluginError(f"{type(component).__name__}.save wrote no {CARD}")
    card = {"aus": list(prepared.aus), **load_card(model), "alignment": prepared.alignment}
    write_json(model / CARD, card)


def load_fitted(component: Any, folder: Path, alignment: dict[str, Any]) -> None:
    """Load a fitted component for faces that were aligned in this way.

    Raises:
        DataError: its training faces were aligned otherwise, or the model is damaged.
    """
    refuse_other_alignment(load_card(folder / MODEL), alignment)
    component.load(folder / MODEL)
