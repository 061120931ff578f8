"""An estimator is fitted on what the plan produced and predicts AU intensities, or presence."""

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
        intensity: (B, A) float32 in 0..5; the expected intensity. Of an AU that was an occurrence
            in the training faces (`Labels.occurrence`): the probability of presence, 0..1.
        level: (B, A) int64 in 0..5; the one level that the estimator decides for. Of an
            occurrence: 0 or 1.
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
        """Learn. `valid` holds people who are in no training set; it may choose the epoch."""
        ...

    def predict(self, faces: FaceBatch) -> Prediction:
        """Estimate a batch; independent of how the faces are batched."""
        ...

    def save(self, folder: Path) -> None:
        """Write safetensors and a JSON card into an existing empty folder."""
        ...

    def load(self, folder: Path) -> None:
        """Become what was saved there."""
        ...


@runtime_checkable
class HasFeatures(Protocol):
    """An estimator that can also show what it sees in a face before it decides.

    Fréchet distances are measured with these features where no other extractor is chosen.
    """

    def features(self, faces: FaceBatch) -> Tensor:
        """(B, D) float32 on the CPU; independent of how the faces are batched."""
        ...


@runtime_checkable
class Calibrates(Protocol):
    """An estimator that reads a face better if it has seen more of the person.

    What is usual for a person (a resting face, the mean of a recording) differs more between
    strangers than one AU moves a face, so an estimator may take it away before it decides. What it
    gathered of people is no part of the model: `save` leaves it out.
    """

    def calibrate(self, faces: FaceSource, at_rest: bool = False) -> None:
        """Gather what is usual for each person in `faces`, by `FaceBatch.subjects`.

        Called after `fit` or `load` and before `predict`. Labels are hidden: every mask is False.
        What was known of a person who comes again is replaced. `predict` still takes people who
        never came here, and is then as good as it can be without.

        Args:
            faces: all faces that will be predicted, unless `at_rest`.
            at_rest: the faces are known to show people at rest; one a person is enough.
        """
        ...
