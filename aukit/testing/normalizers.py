"""Checks of normalizers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.testing.drawn import DrawnFaces
from aukit.testing.models import require_batch_independence, require_saves_and_loads
from aukit.testing.subject import Check, Subject, require

FACES = 12


def check_normalized_faces_keep_the_contract(subject: Subject) -> None:
    """Finite float32 pictures of the size of the faces, about 0..1."""
    faces = DrawnFaces(FACES)
    batch = faces.batch(range(FACES))
    images = _fitted(subject, faces).apply(batch)
    require(images.shape == batch.images.shape, f"normalized faces are {tuple(images.shape)}")
    require(images.dtype == torch.float32, f"normalized faces are {images.dtype}, not float32")
    require(images.isfinite().all(), "normalized faces are not finite")
    require(images.min() >= -1 and images.max() <= 2, "normalized faces are far from 0..1")


def check_unseen_people_can_be_normalized(subject: Subject) -> None:
    """Fitted on a second source too, it serves the people of both."""
    known, unseen = DrawnFaces(FACES), DrawnFaces(FACES, partition="test", seed=1)
    normalizer = _fitted(subject, known)
    normalizer.fit(unseen)
    for faces in (unseen, known):
        images = normalizer.apply(faces.batch(range(FACES)))
        require(images.isfinite().all(), "normalized faces are not finite")


def check_normalized_faces_do_not_depend_on_the_batch(subject: Subject) -> None:
    """A face is normalized the same alone, in company and in any order."""
    faces = DrawnFaces(FACES)
    normalizer, whole = _fitted(subject, faces), faces.batch(range(FACES))

    def run(rows: list[int]) -> Tensor:
        return _apply(normalizer, whole.take(rows))

    require_batch_independence(run, FACES, 1e-5, "normalized faces")


def check_saved_normalizer_is_the_same(subject: Subject) -> None:
    """A fresh instance that loads the saved one normalizes the same."""
    faces = DrawnFaces(FACES)
    batch = faces.batch(range(FACES))
    require_saves_and_loads(subject, _fitted(subject, faces), lambda one: _apply(one, batch))


def _fitted(subject: Subject, faces: DrawnFaces) -> Any:
    normalizer = subject.make()
    normalizer.fit(faces)
    return normalizer


def _apply(normalizer: Any, batch: FaceBatch) -> Tensor:
    images: Tensor = normalizer.apply(batch)
    return images.cpu()


CHECKS: tuple[Check, ...] = (
    check_normalized_faces_keep_the_contract,
    check_unseen_people_can_be_normalized,
    check_normalized_faces_do_not_depend_on_the_batch,
    check_saved_normalizer_is_the_same,
)
