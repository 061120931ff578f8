"""The stage that fits a synthesizer; part of a run, or all of `aukit fit synth`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.config.choice import make, named
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import Synthesizer
from aukit.faces.registration import Registration
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Truth
from aukit.pipeline.stages.fitting import save_fitted, session_of
from aukit.pipeline.stages.previews import FOLDER as PREVIEWS
from aukit.pipeline.stages.previews import Previews

if TYPE_CHECKING:
    from aukit.pipeline.work import Work

FIT_SYNTH = "fit-synth"


@dataclass(frozen=True)
class SynthFaces:
    """The faces that a synthesizer is fitted on, and those that it is watched on.

    Attributes:
        aus: AUs that it learns.
        fit: stage folder of training faces.
        valid: stage folder of faces for previews; None without such people.
        alignment: how all of them were aligned.
    """

    aus: tuple[str, ...]
    fit: Path
    valid: Path | None
    alignment: Mapping[str, Any]


def fit_synthesizer(work: Work, faces: SynthFaces) -> Path:
    """The stage folder of the fitted synthesizer."""
    choice = work.config.need("synth")

    def compute(folder: Path) -> None:
        synthesizer: Synthesizer = make(choice, work.context)
        with named(choice, FIT_SYNTH):
            source = StoredFaces([faces.fit], faces.aus)
            session = session_of(work, FIT_SYNTH, folder)
            preview = previews(work, faces, source.labels, session.folder / PREVIEWS)
            synthesizer.fit(source, replace(session, preview=preview))
            save_fitted(synthesizer, folder, faces.aus, faces.alignment)

    document = {
        "synth": choice.to_json(),
        "faces": faces.fit.name,
        "aus": list(faces.aus),
        "seed": work.context.seed,
    }
    return work.stage(FIT_SYNTH, FIT_SYNTH, document, compute)


def previews(work: Work, faces: SynthFaces, fitted: Labels, folder: Path) -> Previews | None:
    """Pictures of validation people during the fit; None without such people."""
    if faces.valid is None:
        return None
    role = work.config.roles["train"]
    truth = Truth(Registration(role.data, role.landmarker, role.aligner, work.context))
    shown = StoredFaces([faces.valid], faces.aus)
    return Previews(shown, fitted, truth if truth.known else None, folder)
