"""An estimator is fitted on the planned training set and predicts AU intensities or presence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aukit.contracts.faces import FaceBatch, FaceSource

if TYPE_CHECKING:
    from torch import Tensor

    from aukit.contracts.session import Session


@dataclass(frozen=True)
class TrainingSet:
    """Faces and how often the plan uses each, for each AU's training set.

    Attributes:
        faces: real and synthetic rows.
        counts: (N, A) float32; how often row n appears in the training set of AU a.
    """

    faces: FaceSource
    counts: Tensor


@dataclass(frozen=True)
class Prediction:
    """Estimates of a batch.

    Attributes:
        intensity: (B, A) float32 in 0..5, the expected intensity. For an AU that was an occurrence
            in the training faces (`Labels.occurrence`): the probability of presence, 0..1.
        level: (B, A) int64 in 0..5, the decided level; 0 or 1 for an occurrence.
    """

    intensity: Tensor
    level: Tensor


class Estimator(Protocol):
    """Predicts AU intensities.

    Attributes:
        aus: the AUs it predicts; set by `fit` and `load`.
    """

    aus: tuple[str, ...]

    def fit(self, train: TrainingSet, valid: FaceSource | None, session: Session) -> None:
        """Fit; `valid` holds people who are in no training set, and may be used to choose the
        epoch.

        Under torchrun, all processes call it with the same faces (`aukit.machine.processes`). Only
        process 0 may write, and only it is asked to save.
        """
        ...

    def predict(self, faces: FaceBatch) -> Prediction:
        """Estimate a batch; the result does not depend on how faces are batched."""
        ...

    def save(self, folder: Path) -> None:
        """Write safetensors and a JSON card into an existing empty folder."""
        ...

    def load(self, folder: Path) -> None:
        """Load what `save` wrote."""
        ...


@runtime_checkable
class HasFeatures(Protocol):
    """An estimator that also provides its features of a face.

    Fréchet distances use these features unless another extractor is chosen.
    """

    def features(self, faces: FaceBatch) -> Tensor:
        """(B, D) float32 on the CPU; the result does not depend on how faces are batched."""
        ...


@runtime_checkable
class Calibrates(Protocol):
    """An estimator that improves when calibrated on a person.

    The neutral appearance of people (a resting face, the mean of a recording) differs more than one
    AU moves a face, so an estimator may subtract it. Calibration data are not part of the model:
    `save` leaves them out.
    """

    def calibrate(self, faces: FaceSource, at_rest: bool = False) -> None:
        """Calibrate on each person in `faces`, by `FaceBatch.subjects`.

        Called after `fit` or `load` and before `predict`. Labels are hidden: every mask is False.
        Earlier data of the same person are replaced. `predict` must still accept people who were
        never calibrated, with whatever accuracy is possible.

        Args:
            faces: all faces that will be predicted, unless `at_rest`.
            at_rest: the faces are known to be neutral; one per person is enough.
        """
        ...
