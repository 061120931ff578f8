"""The score card of a synthesizer: is what it paints right?

Made for any synthesizer on people whom it has never seen, by judges that it has never seen. The
stage leaves `score_card.json` and picture grids; what the numbers mean is in
`docs/explanation/synthesis-score-card.md`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from aukit.config.choice import make
from aukit.contracts.estimator import Estimator
from aukit.contracts.synthesizer import Synthesizer
from aukit.errors import DataError
from aukit.faces.registration import Registration
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Truth
from aukit.pipeline.fit import Fitted
from aukit.pipeline.prepare import Prepared
from aukit.pipeline.stages.fitting import load_fitted
from aukit.runs.names import CARD, GRIDS
from aukit.score_card import scores
from aukit.score_card.detection import detection
from aukit.score_card.evidence import Evidence, Watch, gather
from aukit.score_card.judges import Seat, calibrate, identity_of, own_seats, plugin_seats
from aukit.score_card.pictures import Album, Recorder
from aukit.score_card.requests import Requests, draw_requests
from aukit.seeds import seed_of
from aukit.store.files import write_json
from aukit.store.models import differences

if TYPE_CHECKING:
    from aukit.pipeline.work import Work

SCHEMA = "aukit.score-card/1"
CALIBRATION = 600
"""Real training faces that a judge's own scale is fitted to the intensities on."""

Card = Mapping[str, Any]

NO_CARD: Card = {
    "schema": SCHEMA,
    "aus": [],
    "requests": {"people": 0, "levels": 0, "vectors": 0},
    "closeness": None,
    "agreement": {},
    "cross_talk": {},
    "detection": {},
    "distance": [],
    "identity": [],
}
"""A card with nothing on it but notes."""


class CardStage:
    """Makes the score card of a run.

    Args:
        work: what the stages of the run share.
        prepared, fitted: what the stages before left.
        count: faces for each AU and level; that of the run if None.
        strict: refuse a Fréchet distance of too few pictures, instead of flagging it.
    """

    def __init__(
        self,
        work: Work,
        prepared: Prepared,
        fitted: Fitted,
        count: int | None = None,
        *,
        strict: bool = False,
    ) -> None:
        self.work = work
        self.config = work.config
        self.prepared = prepared
        self.fitted = fitted
        self.count = work.config.options.faces_on_card if count is None else count
        self.strict = strict

    def run(self) -> tuple[Card, Path] | None:
        """The card and the folder of its picture grids; None without a synthesizer.

        Raises:
            DataError: strict, and the test faces are aligned otherwise than the synthesizer's.
        """
        choice, fitted = self.config.components["synth"], self.fitted.synthesizer
        judge = self.fitted.judge
        if choice is None or fitted is None or judge is None or self.count == 0:
            return None
        if complaint := self._other_alignment():
            if self.strict:
                raise DataError(complaint, "a card needs one aligner for all roles")
            return self._written({**NO_CARD, "notes": [complaint]}), self.work.run.folder / GRIDS
        seats, notes = plugin_seats(self.config.judges.choices, self.work.context)

        def compute(folder: Path) -> None:
            synthesizer: Synthesizer = make(choice, self.work.context)
            load_fitted(synthesizer, fitted, self.prepared.alignment)
            self._compute(synthesizer, self._seats(judge, seats), folder)

        document = {
            "synth": fitted.name,
            "judge": judge.name,
            "judges": identity_of(seats),
            "faces": self.prepared.test.name,
            "calibration": self.prepared.train.name,
            "count": self.count,
            "strict": self.strict,
            "draws": self.config.options.draws,
            "seed": self.work.context.seed,
        }
        folder = self.work.stage("score-card", "score-card", document, compute)
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return self._written({**card, "notes": [*notes, *card["notes"]]}), folder / GRIDS

    def _written(self, card: Card) -> Card:
        write_json(self.work.run.folder / CARD, dict(card))
        return card

    def export(self, folder: Path) -> int:
        """Write every picture that judges would see, named by its pixels, for other programs.

        Returns:
            how many different pictures there are.

        Raises:
            DataError: there is no card to make.
        """
        choice, fitted = self.config.components["synth"], self.fitted.synthesizer
        if choice is None or fitted is None or self.count == 0 or self._other_alignment():
            raise DataError("there are no pictures to judge: this run can have no score card")
        synthesizer: Synthesizer = make(choice, self.work.context)
        load_fitted(synthesizer, fitted, self.prepared.alignment)
        folder.mkdir(parents=True, exist_ok=True)
        recorder = Recorder(folder)
        self._gather(synthesizer, [Seat("export", recorder, choice)], lambda *_: None)
        return len(recorder.written)

    @property
    def _registration(self) -> Registration:
        role = self.config.roles["test"]
        return Registration(role.data, role.landmarker, role.aligner, self.work.context)

    def _other_alignment(self) -> str:
        """Why there can be no card: roles may have aligners of their own; empty if there can."""
        details = differences(self.prepared.alignment, self._registration.describe())
        return f"no score card: test faces are aligned otherwise: {details}" if details else ""

    def _seats(self, judge: Path, seats: Sequence[Seat]) -> list[Seat]:
        """All judges, ready to look."""
        choice = self.config.need("estimator")
        estimator: Estimator = make(choice, self.work.context)
        load_fitted(estimator, judge, self.prepared.alignment)
        own = own_seats(estimator, choice, judge.name.rpartition("-")[2][:8])
        return [*own, *(self._calibrated(seat) for seat in seats)]

    def _calibrated(self, seat: Seat) -> Seat:
        if seat.judge.measures != "intensity" or seat.judge.calibrated:
            return seat
        faces = StoredFaces([self.prepared.train], self.prepared.aus)
        ids = faces.table.column("id").to_pylist()
        seed = self.work.context.seed
        order = sorted(range(len(faces)), key=lambda row: seed_of(seed, "calibrate", ids[row]))
        with self.work.progress.start(f"calibrate {seat.name}"):
            return calibrate(seat, faces, sorted(order[:CALIBRATION]))

    def _compute(self, synthesizer: Synthesizer, seats: Sequence[Seat], folder: Path) -> None:
        options = self.config.options
        album = Album()
        evidence, faces = self._gather(synthesizer, seats, album.keep)
        changed = _changing(faces, evidence.requests)
        draws = scores.Draws(options.draws, options.seed)
        card = make_card(evidence, seats, changed, draws, strict=self.strict)
        write_json(folder / CARD, card)
        album.write(folder / GRIDS, faces, evidence.requests)

    def _gather(
        self, synthesizer: Synthesizer, seats: Sequence[Seat], watch: Watch
    ) -> tuple[Evidence, StoredFaces]:
        faces = StoredFaces([self.prepared.test], self.prepared.aus)
        requests = draw_requests(faces, self.count, self.config.options.seed)
        truth = Truth(self._registration)
        known = truth if truth.known else None
        looks = len(requests) + len(requests.used)
        with self.work.progress.start("score-card", looks) as bar:
            return gather(synthesizer, seats, faces, requests, known, bar, watch), faces


def _changing(faces: StoredFaces, requests: Requests) -> Tensor:
    """(R,) bool: requests for something else than the face shows."""
    shown, mask = faces.labels.values[requests.rows], faces.labels.mask[requests.rows]
    targets = requests.targets
    return (targets.mask & (~mask | (targets.values != shown))).any(1)


def make_card(
    evidence: Evidence,
    seats: Sequence[Seat],
    changed: Tensor,
    draws: scores.Draws,
    *,
    strict: bool = False,
) -> dict[str, Any]:
    """The whole card as JSON values.

    Args:
        evidence: what the judges saw.
        seats: the judges.
        changed: (R,) bool, requests that ask for a change.
        draws: for the intervals.
        strict: refuse too few pictures for a Fréchet distance.
    """
    requests = evidence.requests
    by = {kind: [s for s in seats if s.judge.measures == kind] for kind in _KINDS}
    notes = [] if evidence.closeness is not None else [NO_TRUTH]
    distances = [scores.distance(seat, evidence, strict=strict) for seat in by["features"]]
    notes += [] if by["identity"] else [NO_IDENTITY]
    notes += [_too_few(found) for found in distances if not found["enough"]]
    return {
        "schema": SCHEMA,
        "aus": list(requests.targets.aus),
        "requests": {
            "people": len(set(evidence.people)),
            "levels": int((~requests.vectors).sum()),
            "vectors": int(requests.vectors.sum()),
        },
        "notes": notes,
        "closeness": scores.closeness(evidence, changed, draws),
        "agreement": {
            seat.name: scores.agreement(seat, evidence, draws) for seat in by[_INTENSITY]
        },
        "cross_talk": {
            seat.name: scores.cross_talk(seat, evidence, draws) for seat in by[_INTENSITY]
        },
        "detection": {seat.name: detection(seat, evidence, draws) for seat in by[_INTENSITY]},
        "distance": distances,
        "identity": [scores.identity(seat, evidence, draws) for seat in by["identity"]],
    }


_INTENSITY = "intensity"
_KINDS = (_INTENSITY, "features", "identity")
NO_IDENTITY = "no judge of identity was named: `aukit plugins judge` lists them"
NO_TRUTH = "the dataset cannot render the truth: no L1, PSNR or SSIM, and no true cross-talk"


def _too_few(found: Mapping[str, Any]) -> str:
    return (
        f"{found['name']}: {found['pictures']['painted']} pictures are too few for "
        f"{found['dimensions']} dimensions; compare it with nothing but this card"
    )
