"""Distance of a run's synthetic training faces from its real ones (Niinuma et al. 2021, 4.4).

Other distances of a score card use test people. This one follows the paper: the whole synthetic set
that the estimator was trained on, against all real training faces.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Iterator, Sequence
from typing import Any

from aukit.faces.stored import StoredFaces
from aukit.progress import Progress
from aukit.score_card.judges import LOOK_BATCH, Seat
from aukit.score_card.scores import CODEC
from aukit.statistics.frechet import Moments, frechet_distance


def training_distances(
    seats: Sequence[Seat], synthetic: StoredFaces, real: StoredFaces, progress: Progress
) -> list[dict[str, Any]]:
    """Fréchet distances in the judges' features, accumulated over all faces.

    Returns:
        for each judge `name`, `dimensions`, `pictures`, `enough` (as many pictures as dimensions)
        and `value`.
    """
    return [_distance(seat, synthetic, real, progress) for seat in seats]


def asked_features(seats: Sequence[Seat]) -> list[Seat]:
    """The judges of features chosen by name, since judging all faces takes time."""
    return [seat for seat in seats if seat.asked and seat.judge.measures == "features"]


def _distance(
    seat: Seat, synthetic: StoredFaces, real: StoredFaces, progress: Progress
) -> dict[str, Any]:
    painted, known = (_moments(seat, faces, progress) for faces in (synthetic, real))
    dimensions = len(known.total)
    return {
        "name": f"{seat.judge.names[0]}, {CODEC}",
        "dimensions": dimensions,
        "pictures": {"synthetic": painted.count, "real": known.count},
        "enough": min(painted.count, known.count) >= dimensions,
        "value": frechet_distance(painted, known),
    }


def _moments(seat: Seat, faces: StoredFaces, progress: Progress) -> Moments:
    return functools.reduce(operator.add, _parts(seat, faces, progress))


def _parts(seat: Seat, faces: StoredFaces, progress: Progress) -> Iterator[Moments]:
    with progress.start(f"training faces, {seat.name}", len(faces)) as bar:
        for start in range(0, len(faces), LOOK_BATCH):
            batch = faces.batch(range(start, min(start + LOOK_BATCH, len(faces))))
            seen = seat.look(batch.images, batch.landmarks)
            yield Moments.of(seen[seen.isfinite().all(1)])
            bar.advance(len(batch))
