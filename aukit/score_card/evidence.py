"""Results of the judges on synthetic, true and real faces, collected in batches."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.synthesizer import Synthesizer
from aukit.errors import DataError
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Pictures, Truth
from aukit.progress import Bar
from aukit.score_card.change import Changes
from aukit.score_card.judges import LOOK_BATCH, Seat
from aukit.score_card.making import Made, asked_batches, made
from aukit.score_card.pictures import Batch
from aukit.score_card.requests import Requests
from aukit.score_card.shares import shares
from aukit.statistics import pictures

REGIONS = ("face", "changes")
MEASURES = ("l1", "psnr", "ssim")
PAINTED, COPIED = 0, 1

Seen = Mapping[str, Tensor]
"""Name of a judge -> (N, K) float32."""


@dataclass(frozen=True)
class Evidence:
    """Everything that the scores are computed from.

    Attributes:
        requests: R requests.
        people: person of each request, length R.
        painted: results on the synthetic faces, R rows.
        truth: results on the true pictures, NaN if there is none; None if unknown.
        copied: results on the unchanged input, R rows.
        real: results on the real faces with the target vectors, R rows; NaN for levels.
        spare: results on the requests' spare faces.
        spare_people: person of each spare face.
        closeness: (R, 2, 2, 3) float64: synthetic and copied, over `REGIONS`, `MEASURES` to the
            true picture; None if unknown.
        change: (R, 3) float64 of `score_card.change.Changes`; None if the truth is unknown.
        shares: (F, A + 1, 2) float64 of `score_card.shares.shares`, of F of the requests' faces;
            None if the synthesizer has no regions.
    """

    requests: Requests
    people: Sequence[str]
    painted: Seen
    truth: Seen | None
    copied: Seen
    real: Seen
    spare: Seen
    spare_people: Sequence[str]
    closeness: Tensor | None
    change: Tensor | None = None
    shares: Tensor | None = None


Watch = Callable[[int, Requests, Batch], None]
"""Receives each batch of pictures, with the number of its first request and all requests."""


def gather(
    synthesizer: Synthesizer,
    seats: Sequence[Seat],
    faces: StoredFaces,
    requests: Requests,
    truth: Truth | None,
    bar: Bar,
    watch: Watch,
    batches: Iterable[Made] | None = None,
) -> Evidence:
    """Synthesize all requests and let the judges look at everything.

    Args:
        synthesizer: the fitted synthesizer.
        seats: the judges.
        faces: faces that the requests were drawn from.
        requests: the requests.
        truth: renders the true pictures, or None.
        bar: advanced by one per judged face.
        watch: receives all pictures, to keep some.
        batches: the pictures of `making.asked_batches`, in that order; made here if None.

    Raises:
        DataError: a judge chosen by name has no result for any picture.
    """
    rows = requests.used.tolist()
    seen = _looked_at(seats, faces, rows, bar)
    position = torch.full((len(faces),), -1)
    position[requests.used] = torch.arange(len(rows))
    changes = Changes()

    def see(start: int, requests: Requests, batch: Batch) -> None:
        changes.see(start, requests, batch)
        watch(start, requests, batch)

    if batches is None:
        show = functools.partial(made, synthesizer, truth, faces.aus)
        batches = map(show, asked_batches(faces, requests))
    painted, true, near = _painted(seats, faces, requests, batches, bar, see)
    for seat in seats:
        _require_answers(seat, torch.cat([seen[seat.name], painted[seat.name]]))
    real = {name: _real(values, position, requests) for name, values in seen.items()}
    return Evidence(
        requests=requests,
        people=[faces.people[row] for row in requests.rows.tolist()],
        painted=painted,
        truth=true,
        copied={name: values[position[requests.rows]] for name, values in seen.items()},
        real=real,
        spare={name: values[position[requests.spare]] for name, values in seen.items()},
        spare_people=[faces.people[row] for row in requests.spare.tolist()],
        closeness=near,
        change=None if truth is None else changes.terms(),
        shares=shares(synthesizer, faces, requests),
    )


def _require_answers(seat: Seat, seen: Tensor) -> None:
    if seat.asked and not seen.isfinite().any():
        raise DataError(
            f"judge '{seat.name}' has no result for any of the {len(seen)} pictures",
            "check that its input describes these pictures and comes from the same run",
        )


def _real(seen: Tensor, position: Tensor, requests: Requests) -> Tensor:
    values = torch.full((len(requests), seen.shape[1]), torch.nan)
    values[requests.vectors] = seen[position[requests.real[requests.vectors]]]
    return values


def _looked_at(
    seats: Sequence[Seat], faces: StoredFaces, rows: Sequence[int], bar: Bar
) -> dict[str, Tensor]:
    parts = []
    for start in range(0, len(rows), LOOK_BATCH):
        batch = faces.batch(rows[start : start + LOOK_BATCH])
        parts.append(_look(seats, batch.images, batch.landmarks))
        bar.advance(len(batch))
    return _joined(parts)


def _look(seats: Sequence[Seat], images: Tensor, landmarks: Tensor) -> dict[str, Tensor]:
    return {seat.name: seat.look(images, landmarks) for seat in seats}


def _joined(parts: Sequence[Seen]) -> dict[str, Tensor]:
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def _painted(
    seats: Sequence[Seat],
    faces: StoredFaces,
    requests: Requests,
    batches: Iterable[Made],
    bar: Bar,
    watch: Watch,
) -> tuple[Seen, Seen | None, Tensor | None]:
    painted: list[Seen] = []
    true: list[Seen] = []
    near: list[Tensor] = []
    for (start, batch), found in zip(_sources(faces, requests), batches, strict=True):
        images, shown = found.tensors()
        painted.append(_look(seats, images, batch.landmarks))
        if shown is not None:
            true.append(_look_at_truth(seats, shown))
            near.append(closeness(images, batch.images, batch.landmarks, shown))
        watch(start, requests, Batch(batch.images, images, shown))
        bar.advance(len(batch))
    if not true:
        return _joined(painted), None, None
    return _joined(painted), _joined(true), torch.cat(near)


def _sources(faces: StoredFaces, requests: Requests) -> Iterator[tuple[int, FaceBatch]]:
    for start in range(0, len(requests), LOOK_BATCH):
        yield start, faces.batch(requests.rows[start : start + LOOK_BATCH].tolist())


def _look_at_truth(seats: Sequence[Seat], truth: Pictures) -> dict[str, Tensor]:
    """NaN where the truth could not be registered: no judge can look at such a picture."""
    seen = _look(seats, truth.images[truth.ok], truth.landmarks[truth.ok])
    return {name: _spread(values, truth.ok) for name, values in seen.items()}


def _spread(values: Tensor, ok: Tensor) -> Tensor:
    spread = values.new_full((len(ok), values.shape[1]), torch.nan)
    spread[ok] = values
    return spread


def closeness(painted: Tensor, copied: Tensor, landmarks: Tensor, truth: Pictures) -> Tensor:
    """Similarity of synthetic and copied faces to the truth.

    Args:
        painted, copied: (B, 3, S, S) uint8.
        landmarks: (B, 68, 2) points of the copied faces.
        truth: the true pictures.

    Returns:
        (B, 2, 2, 3) float64: synthetic and copied, in the face and in its changed region, by L1,
        PSNR and SSIM; NaN where the truth is unknown or nothing changes.
    """
    size = painted.shape[-1]
    # The outline changes with the expression: an open mouth extends further down.
    before, after = (pictures.face_region(p, size) for p in (landmarks, truth.landmarks))
    face = (before | after) & truth.valid & truth.ok[:, None, None]
    regions = (face, face & pictures.changed_region(truth.images, copied))
    pairs = ((images, truth.images) for images in (painted, copied))
    return torch.stack([pictures.similarity(*pair, regions) for pair in pairs], 1)
