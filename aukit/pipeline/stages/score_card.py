"""The stage that makes the score card of a run's synthesizer."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from aukit.config.choice import Choice
from aukit.contracts.estimator import Estimator
from aukit.data.kinds import occurrences
from aukit.faces.alignment import alignment_of
from aukit.faces.registration import Registration
from aukit.faces.stored import StoredFaces
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.fitting import estimated_kinds
from aukit.pipeline.work import Work
from aukit.score_card.card import Sitting, calibrated, write_card
from aukit.score_card.judges import Seat, own_seats, plugin_seats, reader_seat
from aukit.score_card.making import Making
from aukit.score_card.training_faces import asked_features, training_distances
from aukit.store.stages import Result


@dataclass(frozen=True)
class ScoreCard(Stage):
    """The score card of a synthesizer.

    Attributes:
        synth: fitted.
        judge: an estimator fitted on real frames only; None in a run without an estimator.
        judges: the judges of plugins that can work here.
        data, landmarker, aligner: how the test faces were registered.
        faces: test faces, which are synthesized and judged.
        calibration: real training faces, on which judges are put on the scale of intensities.
        aus: AUs that are asked for.
        count: faces for each AU and level.
        draws: of the bootstrap.
        synthesized: synthetic training faces; None where the run has made none.
        whole: ask for the labels of every test face.
        strict: refuse a Fréchet distance of too few pictures, instead of flagging it.
        seed: of the run.
    """

    name: ClassVar[str] = "score-card"
    synth: Fitted
    judge: Fitted | None
    judges: tuple[Choice, ...]
    data: Choice
    landmarker: Choice | None
    aligner: Choice
    faces: Result
    calibration: Result
    aus: tuple[str, ...]
    count: int
    draws: int
    strict: bool
    seed: int
    synthesized: Result | None = None
    whole: bool = False

    def compute(self, folder: Path, work: Work) -> None:
        """Write `score_card.json` and picture grids."""
        sitting = self.sitting(work)
        own = reader_seat(sitting.making.synthesizer, self.synth.choice)
        seats = [*self._seats(work), *([] if own is None else [own])]
        write_card(sitting, seats, folder, self._distances(seats, work), strict=self.strict)

    def _distances(self, seats: Sequence[Seat], work: Work) -> list[dict[str, Any]]:
        """Distances of the synthetic training faces from the real ones."""
        asked = asked_features(seats)
        if self.synthesized is None or not asked:
            return []
        both = (self.synthesized, self.calibration)
        made, real = (StoredFaces([result.folder], self.aus) for result in both)
        return training_distances(asked, made, real, work.progress)

    def sitting(self, work: Work) -> Sitting:
        """The inputs of the card.

        Raises:
            DataError: the test faces are aligned differently from the synthesizer's training faces.
        """
        alignment, context = alignment_of(self.faces.folder), work.context()
        load = functools.partial(self.synth.load, work.context(self.seed), alignment)
        registration = Registration(self.data, self.landmarker, self.aligner, context)
        return Sitting(
            making=Making(load, registration, self.aus),
            executor=work.executor,
            faces=StoredFaces([self.faces.folder], self.aus),
            count=self.count,
            draws=self.draws,
            seed=self.seed,
            progress=work.progress,
            whole=self.whole,
        )

    def _seats(self, work: Work) -> list[Seat]:
        """All judges, loaded and calibrated."""
        train = StoredFaces([self.calibration.folder], self.aus)
        seats, _ = plugin_seats(self.judges, work.context(self.seed))
        own = [] if self.judge is None else self._own_seats(self.judge, work)
        return [*own, *(calibrated(seat, train, self.seed, work.progress) for seat in seats)]

    def _own_seats(self, judge: Fitted, work: Work) -> Iterator[Seat]:
        """The run's own estimator."""
        estimator: Estimator = judge.load(work.context(self.seed))
        known = occurrences(estimated_kinds(judge.result.folder))
        fit = judge.result.key.rpartition("-")[2][:8]
        return own_seats(estimator, judge.choice, fit, known)
