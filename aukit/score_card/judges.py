"""The judges of a run: its own estimator fitted on real frames only, and those that plugins bring.

What a judge sees is kept by the judge's name. A judge whose packages or weights are not on this
machine is left out with a note if it was not asked for by name, and an error otherwise.
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
"""Ends the name of the column of a judge that tells presence beside intensity."""
OWN = "its own network"
"""Names the seat of a network that a synthesizer was fitted with."""


@dataclass(frozen=True)
class Seat:
    """A judge at work.

    Attributes:
        name: how the score card calls it.
        judge: the judge.
        choice: the component behind it.
        asked: whether somebody named it.
        scale: for intensities that are not on 0..5: AU -> curve from the judge's scale to it.
    """

    name: str
    judge: Judge
    choice: Choice
    asked: bool = False
    scale: Mapping[str, Rising] = field(default_factory=dict)

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, K) float32, what the judge sees.

        Raises:
            StageError: the judge raised.
        """
        with named(self.choice, "score-card"):
            return self.judge.look(images, landmarks)

    @property
    def cuts(self) -> Mapping[str, float]:
        """Column -> the least number that the judge calls present; columns without intensities."""
        found: Mapping[str, float] = getattr(self.judge, "cuts", {})
        return found

    def levels(self, seen: Tensor) -> Tensor:
        """Intensities on the scale 0..5, (B, K) float64; NaN without a curve for an AU.

        A probability of presence counts as so much of the way from 0 to 5.
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
        """(B,) float64: 1 where the judge finds an AU, 0 where not, NaN where it cannot tell.

        Args:
            seen: (B, K) what it saw.
            au: one that it tells.
            threshold: least intensity that counts as present, where it has no cut of its own.
        """
        column = f"{au}{PRESENT}" if f"{au}{PRESENT}" in self.judge.names else au
        place = self.judge.names.index(column)
        values = seen[:, place].double() if column in self.cuts else self.levels(seen)[:, place]
        found = (values >= self.cuts.get(column, threshold)).double()
        return found.where(values.isfinite(), torch.nan)

    @property
    def detects(self) -> tuple[str, ...]:
        """The AUs that the judge tells, in whatever way."""
        return tuple(dict.fromkeys(name.removesuffix(PRESENT) for name in self.judge.names))


class EstimatorJudge:
    """A fitted estimator as a judge of intensity.

    Args:
        estimator: fitted on real frames only.
        occurrence: the AUs of which it was taught presence alone.
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
    """What a fitted estimator sees before it decides, for Fréchet distances.

    Args:
        estimator: one that shows its features.
        name: the name of the distance.
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
    """The network from which a synthesizer's generator learned, as if it were a judge.

    Args:
        synthesizer: one that reads faces.
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
    """A seat apart from the judges for a synthesizer's own reader; None if it has none."""
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
    """The run's own estimator as judge of intensity, and its trunk if it shows one.

    Args:
        estimator: fitted on real frames only.
        choice: its component.
        fit: what names the fit: distances through another fit cannot be compared with these.
        occurrence: the AUs of which it was taught presence alone.
    """
    yield Seat("estimator", EstimatorJudge(estimator, occurrence), choice)
    if isinstance(estimator, HasFeatures):
        name = f"Fréchet distance, features of {choice.component.name} {fit}"
        yield Seat("trunk", TrunkJudge(estimator, name), choice)


def plugin_seats(choices: Sequence[Choice], context: Context) -> tuple[list[Seat], list[str]]:
    """The judges of plugins that can work here, and a note on each that cannot.

    Raises:
        AukitError: a judge that was asked for by name cannot work.
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
    return f"judge '{name}' is left out: {error.message}{way_out}"


def calibrate(seat: Seat, faces: StoredFaces, rows: Sequence[int]) -> Seat:
    """Put a judge's own scale on 0..5 by the rising curve that fits some real faces best.

    Args:
        seat: a judge of intensity that is not calibrated.
        faces: real training faces.
        rows: which of them.
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
    """What determines the answers of some judges, for a stage's key."""
    return {seat.name: seat.choice.to_json() for seat in seats}
