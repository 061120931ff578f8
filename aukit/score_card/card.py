"""The score card of a synthesizer: how good are its faces?

It can be made for any synthesizer, on people and with judges unseen by it.
`docs/explanation/synthesis-score-card.md` explains the numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from aukit.contracts.executor import Executor
from aukit.faces.stored import StoredFaces
from aukit.progress import Progress
from aukit.runs.names import CARD, GRIDS
from aukit.score_card import scores
from aukit.score_card.change import change
from aukit.score_card.detection import detection
from aukit.score_card.draws import Draws
from aukit.score_card.evidence import Evidence, Watch, gather
from aukit.score_card.judges import OWN, PRESENT, Seat, calibrate
from aukit.score_card.making import Making, asked_batches
from aukit.score_card.manifest import MANIFEST, Manifest
from aukit.score_card.pictures import Album, Recorder
from aukit.score_card.requests import Requests, draw_requests
from aukit.score_card.shares import regions
from aukit.score_card.talk import cross_talk
from aukit.seeds import seed_of
from aukit.store.files import write_json

SCHEMA = "aukit.score-card/1"
CALIBRATION = 600
"""Number of real training faces for calibrating a judge's scale to intensities."""

Card = Mapping[str, Any]

NO_CARD: Card = {
    "schema": SCHEMA,
    "aus": [],
    "requests": {"people": 0, "levels": 0, "vectors": 0},
    "closeness": None,
    "change": None,
    "regions": None,
    "own": None,
    "agreement": {},
    "cross_talk": {},
    "detection": {},
    "distance": [],
    "identity": [],
}
"""A card with notes only."""


@dataclass(frozen=True)
class Sitting:
    """The inputs of a score card.

    Attributes:
        making: makes synthetic faces, and the truth if the dataset can.
        executor: runs `making`.
        faces: registered faces of people the synthesizer was not fitted on.
        count: faces per AU and level.
        draws: bootstrap draws.
        seed: seed of requests and bootstrap.
        progress: shows progress.
        whole: synthesize the labels of every test face.
    """

    making: Making
    executor: Executor
    faces: StoredFaces
    count: int
    draws: int
    seed: int
    progress: Progress
    whole: bool = False

    def evidence(self, seats: Sequence[Seat], watch: Watch) -> Evidence:
        """Synthesize all requests and let the judges look at everything.

        Raises:
            DataError: the labels allow no requests.
        """
        requests = draw_requests(self.faces, self.count, self.seed, whole=self.whole)
        made = self.executor.map(self.making, asked_batches(self.faces, requests))
        synthesizer, truth = self.making.synthesizer, self.making.truth
        looks = len(requests) + len(requests.used)
        with self.progress.start("score-card", looks) as bar:
            return gather(synthesizer, seats, self.faces, requests, truth, bar, watch, made)


def write_card(
    sitting: Sitting,
    seats: Sequence[Seat],
    folder: Path,
    training: Sequence[Mapping[str, Any]],
    *,
    strict: bool,
) -> None:
    """Write `score_card.json` and the picture grids into a folder.

    Args:
        sitting: the inputs of the card.
        seats: the judges, calibrated to intensities.
        folder: an existing folder.
        training: distances of the training faces (`training_faces.training_distances`).
        strict: refuse a Fréchet distance of too few pictures instead of flagging it.
    """
    album = Album()
    evidence = sitting.evidence(seats, album.keep)
    changed = changing(sitting.faces, evidence.requests)
    draws = Draws(sitting.draws, sitting.seed)
    card = make_card(evidence, seats, changed, draws, strict=strict)
    write_json(folder / CARD, {**card, "training distance": list(training)})
    album.write(folder / GRIDS, sitting.faces, evidence.requests)


def export_pictures(sitting: Sitting, seat: Seat, recorder: Recorder) -> int:
    """Write every picture that judges would see, and a table that describes them.

    Files are named by their pixels.

    Returns:
        number of distinct pictures.

    Raises:
        ConfigError: the folder holds a table of that name that aukit did not write.
    """
    manifest = Manifest(sitting.faces)
    evidence = sitting.evidence([seat], manifest.keep)
    manifest.write(recorder.folder / MANIFEST, evidence.requests)
    return len(recorder.written)


def calibrated(seat: Seat, faces: StoredFaces, seed: int, progress: Progress) -> Seat:
    """The judge, calibrated to intensities on real training faces if necessary."""
    if seat.judge.measures != "intensity" or seat.judge.calibrated:
        return seat
    ids = faces.table.column("id").to_pylist()
    order = sorted(range(len(faces)), key=lambda row: seed_of(seed, "calibrate", ids[row]))
    with progress.start(f"calibrate {seat.name}"):
        return calibrate(seat, faces, sorted(order[:CALIBRATION]))


def changing(faces: StoredFaces, requests: Requests) -> Tensor:
    """(R,) bool: requests that differ from what the face shows."""
    shown, mask = faces.labels.values[requests.rows], faces.labels.mask[requests.rows]
    targets = requests.targets
    return (targets.mask & (~mask | (targets.values != shown))).any(1)


def make_card(
    evidence: Evidence,
    seats: Sequence[Seat],
    changed: Tensor,
    draws: Draws,
    *,
    strict: bool = False,
) -> dict[str, Any]:
    """The whole card as a JSON object.

    Args:
        evidence: the judges' results.
        seats: the judges, and the synthesizer's own network (`reader_seat`) if it has one.
        changed: (R,) bool, requests for a change.
        draws: draws for the intervals.
        strict: refuse too few pictures for a Fréchet distance.
    """
    requests = evidence.requests
    judges = [seat for seat in seats if seat.name != OWN]
    own = [scores.agreement(seat, evidence, draws) for seat in seats if seat.name == OWN]
    by = {kind: [s for s in judges if s.judge.measures == kind] for kind in _KINDS}
    notes = [] if evidence.closeness is not None else [NO_TRUTH]
    distances = [scores.distance(seat, evidence, strict=strict) for seat in by["features"]]
    notes += [] if by[_INTENSITY] else [NO_INTENSITY]
    notes += [] if by["identity"] else [NO_IDENTITY]
    notes += [_too_few(found) for found in distances if not found["enough"]]
    notes += [_told_presence(seat) for seat in by[_INTENSITY] if seat.cuts]
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
        "change": change(evidence.change, requests, evidence.people, draws),
        "regions": regions(evidence.shares, requests.targets.aus),
        "own": own[0] if own else None,
        "agreement": {
            seat.name: scores.agreement(seat, evidence, draws) for seat in by[_INTENSITY]
        },
        "cross_talk": {seat.name: cross_talk(seat, evidence, draws) for seat in by[_INTENSITY]},
        "detection": {seat.name: detection(seat, evidence, draws) for seat in by[_INTENSITY]},
        "distance": distances,
        "identity": [scores.identity(seat, evidence, draws) for seat in by["identity"]],
    }


_INTENSITY = "intensity"
_KINDS = (_INTENSITY, "features", "identity")
NO_INTENSITY = (
    "no judge tells AUs: a run without an estimator needs one by name, such as `--judge outputs`"
)
NO_IDENTITY = "no judge of identity was chosen: `aukit plugins judge` lists them"
NO_TRUTH = "the dataset cannot render the truth: no L1, PSNR or SSIM, and no true cross-talk"


def _told_presence(seat: Seat) -> str:
    aus = ", ".join(sorted({name.removesuffix(PRESENT) for name in seat.cuts}))
    cuts = ", ".join(f"{cut:g}" for cut in sorted(set(seat.cuts.values())))
    return f"judge '{seat.name}' detects the presence of {aus}, from {cuts}"


def _too_few(found: Mapping[str, Any]) -> str:
    return (
        f"{found['name']}: {found['pictures']['painted']} pictures are too few for "
        f"{found['dimensions']} dimensions; do not compare it with other cards"
    )
