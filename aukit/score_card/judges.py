"""The judges of a run: its own estimator fitted on real frames only, and judges from plugins.

Results are stored by judge name. A judge whose packages or weights are missing on this machine is
skipped with a note, or is an error if it was chosen by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.config.choice import Choice, make, named
from aukit.config.values import DEFAULT
from aukit.contracts.context import Context
from aukit.contracts.estimator import Estimator, HasFeatures
from aukit.contracts.faces import FaceBatch
from aukit.contracts.judge import Judge, Measures
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import ReadsFaces, Synthesizer
from aukit.errors import AukitError, MissingWeights, PluginError
from aukit.faces.stored import StoredFaces
from aukit.scoring.occurrence import CUT
from aukit.statistics.monotone import Rising, fit_rising

LOOK_BATCH = 64

PRESENT = "_present"
"""Suffix of the presence column of a judge that has both presence and intensity."""
OWN = "its own network"
"""Name of the seat of a network that a synthesizer was fitted with."""


@dataclass(frozen=True)
class Seat:
    """A judge in use.

    Attributes:
        name: name on the score card.
        judge: the judge.
        choice: its component.
        asked: whether it was chosen by name.
        scale: for uncalibrated intensities: AU -> curve from the judge's scale to 0..5.
    """

    name: str
    judge: Judge
    choice: Choice
    asked: bool = False
    scale: Mapping[str, Rising] = field(default_factory=dict)

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, K) float32 results of the judge.

        Raises:
            StageError: the judge failed.
        """
        with named(self.choice, "score-card"):
            return self.judge.look(images, landmarks)

    @property
    def cuts(self) -> Mapping[str, float]:
        """Column -> lowest value that counts as present, for columns without intensities."""
        found: Mapping[str, float] = getattr(self.judge, "cuts", {})
        return found

    def levels(self, seen: Tensor) -> Tensor:
        """Intensities on the scale 0..5, (B, K) float64; NaN without a curve for an AU.

        A probability of presence is scaled from 0..1 to 0..5.
        """
        return torch.stack(
            [self._level(seen[:, n].double(), name) for n, name in enumerate(self.judge.names)], 1
        )

    def _level(self, seen: Tensor, column: str) -> Tensor:
        if column in self.cuts:
            return (seen * MAX_LEVEL).clamp(0, MAX_LEVEL)
        if self.judge.calibrated:
            return seen
        return (
            self.scale[column](seen)
            if column in self.scale
            else seen.new_full(seen.shape, torch.nan)
        )

    def presence(self, seen: Tensor, au: str, threshold: float) -> Tensor:
        """(B,) float64: 1 where the judge detects an AU, 0 where not, NaN if undetermined.

        Args:
            seen: (B, K) results of the judge.
            au: an AU it covers.
            threshold: lowest intensity that counts as present, if it has no cut of its own.
        """
        column = f"{au}{PRESENT}" if f"{au}{PRESENT}" in self.judge.names else au
        place = self.judge.names.index(column)
        values = seen[:, place].double() if column in self.cuts else self.levels(seen)[:, place]
        found = (values >= self.cuts.get(column, threshold)).double()
        return found.where(values.isfinite(), torch.nan)

    @property
    def detects(self) -> tuple[str, ...]:
        """The AUs that the judge covers in any way."""
        return tuple(dict.fromkeys(name.removesuffix(PRESENT) for name in self.judge.names))


class EstimatorJudge:
    """A fitted estimator as a judge of intensity.

    Args:
        estimator: fitted on real frames only.
        occurrence: the AUs it was trained on with presence only.
    """

    measures: Measures = "intensity"
    calibrated = True

    def __init__(self, estimator: Estimator, occurrence: frozenset[str] = frozenset()) -> None:
        self.estimator = estimator
        self.names = estimator.aus
        self.cuts = dict.fromkeys(occurrence, CUT)

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, A) expected intensities, or probabilities."""
        return self.estimator.predict(_unnamed(images, landmarks)).intensity.float()


class TrunkJudge:
    """The features of a fitted estimator, for Fréchet distances.

    Args:
        estimator: an estimator that provides features.
        name: name of the distance.
    """

    measures: Measures = "features"
    calibrated = False

    def __init__(self, estimator: HasFeatures, name: str) -> None:
        self.estimator = estimator
        self.names: tuple[str, ...] = (name,)

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, D) features."""
        return self.estimator.features(_unnamed(images, landmarks))


class OwnReader:
    """The AU network a synthesizer was trained against, in the role of a judge.

    Args:
        synthesizer: a synthesizer that reads faces.
    """

    measures: Measures = "intensity"
    calibrated = True

    def __init__(self, synthesizer: ReadsFaces) -> None:
        self.synthesizer = synthesizer
        self.names = synthesizer.aus

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, A) intensities."""
        return self.synthesizer.read(_unnamed(images, landmarks))


def reader_seat(synthesizer: Synthesizer, choice: Choice) -> Seat | None:
    """A seat for a synthesizer's own AU network, apart from the judges; None if it has none."""
    if not isinstance(synthesizer, ReadsFaces):
        return None
    return Seat(OWN, OwnReader(synthesizer), choice)


def _unnamed(images: Tensor, landmarks: Tensor) -> FaceBatch:
    blank = ("",) * len(images)
    none = torch.zeros(len(images), 0)
    return FaceBatch(blank, blank, images, Labels((), none, none.bool()), landmarks)


def own_seats(
    estimator: Estimator, choice: Choice, fit: str, occurrence: frozenset[str] = frozenset()
) -> Iterator[Seat]:
    """The run's own estimator as judge of intensity, and of features if it provides them.

    Args:
        estimator: fitted on real frames only.
        choice: its component.
        fit: name of the fit, since distances in features of different fits are not comparable.
        occurrence: the AUs it was trained on with presence only.
    """
    yield Seat("estimator", EstimatorJudge(estimator, occurrence), choice)
    if isinstance(estimator, HasFeatures):
        name = f"Fréchet distance, features of {choice.component.name} {fit}"
        yield Seat("trunk", TrunkJudge(estimator, name), choice)


def plugin_seats(choices: Sequence[Choice], context: Context) -> tuple[list[Seat], list[str]]:
    """The judges of plugins that can work here, and a note on each that cannot.

    Raises:
        AukitError: a judge chosen by name cannot work.
    """
    seats, notes = [], []
    for choice in choices:
        name = choice.component.name
        asked = choice.chosen_by != DEFAULT
        try:
            seats.append(Seat(name, make(choice, context), choice, asked))
        except (MissingWeights, PluginError) as error:
            missing = isinstance(error, MissingWeights) or choice.component.missing()
            if asked or not missing:
                raise
            notes.append(_left_out(name, error))
    return seats, notes


def _left_out(name: str, error: AukitError) -> str:
    way_out = f" ({error.hint})" if error.hint else ""
    return f"judge '{name}' is skipped: {error.message}{way_out}"


def calibrate(seat: Seat, faces: StoredFaces, rows: Sequence[int]) -> Seat:
    """Calibrate a judge's scale to 0..5 with the best monotone curve on real faces.

    Args:
        seat: an uncalibrated judge of intensity.
        faces: real training faces.
        rows: rows of the faces to use.
    """
    seen = torch.cat(
        [
            seat.look(batch.images, batch.landmarks)
            for start in range(0, len(rows), LOOK_BATCH)
            if (batch := faces.batch(rows[start : start + LOOK_BATCH]))
        ]
    )
    labels = faces.labels.take(list(rows))
    curves: dict[str, Rising] = {}
    for column, au in enumerate(seat.judge.names):
        truth = labels.select((au,))
        known = truth.mask[:, 0] & seen[:, column].isfinite()
        if known.any():
            curves[au] = fit_rising(seen[known, column], truth.shares[known, 0] * MAX_LEVEL)
    return replace(seat, scale=curves)


def identity_of(seats: Sequence[Seat]) -> dict[str, Any]:
    """What determines the results of judges, for stage keys."""
    return {seat.name: seat.choice.to_json() for seat in seats}
