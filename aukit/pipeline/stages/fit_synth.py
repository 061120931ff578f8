"""The stage that fits a synthesizer, in a run or for `aukit fit synth`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar

from aukit.config.choice import Choice, named
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import Synthesizer
from aukit.faces.alignment import alignment_of
from aukit.faces.registration import Registration
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Truth
from aukit.machine.processes import rank
from aukit.pipeline.stage import WATCHING, Stage
from aukit.pipeline.stages.fitting import save_fitted
from aukit.pipeline.stages.previews import Previews
from aukit.pipeline.work import Work
from aukit.runs.names import PREVIEWS
from aukit.store.stages import Result


@dataclass(frozen=True)
class Watched:
    """Held-out faces for previews during a fit.

    Attributes:
        faces: registered faces.
        data, landmarker, aligner: components that registered them.
    """

    faces: Result
    data: Choice
    landmarker: Choice | None
    aligner: Choice


@dataclass(frozen=True)
class FitSynth(Stage):
    """A fitted synthesizer.

    Attributes:
        synth: the component.
        faces: training faces.
        aus: AUs to learn.
        seed: seed of the run.
        watched: faces for previews; None if there are no held-out people.
    """

    name: ClassVar[str] = "fit-synth"
    together: ClassVar[bool] = True
    synth: Choice
    faces: Result
    aus: tuple[str, ...]
    seed: int
    watched: Watched | None = field(default=None, metadata=WATCHING)

    def compute(self, folder: Path, work: Work) -> None:
        """Write the model, the scalars of the fit and previews."""
        synthesizer: Synthesizer = work.make(self.synth, self.seed)
        with named(self.synth, self.name):
            faces = StoredFaces([self.faces.folder], self.aus)
            session = work.session(self.name, folder, self.seed)
            preview = self._previews(work, faces.labels, session.folder / PREVIEWS)
            synthesizer.fit(faces, replace(session, preview=preview))
            save_fitted(synthesizer, folder, faces.labels, alignment_of(self.faces.folder))

    def _previews(self, work: Work, fitted: Labels, folder: Path) -> Previews | None:
        if self.watched is None or rank() > 0:
            return None
        watched = self.watched
        truth = Truth(
            Registration(watched.data, watched.landmarker, watched.aligner, work.context())
        )
        shown = StoredFaces([watched.faces.folder], self.aus)
        return Previews(shown, fitted, truth if truth.known else None, folder)
