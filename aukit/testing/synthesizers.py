"""Checks of synthesizers."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aukit.testing.drawn import DrawnFaces
from aukit.testing.models import (
    require_batch_independence,
    require_close,
    require_saves_and_loads,
    session,
)
from aukit.testing.subject import Check, Subject, require

FACES = 6
NOISE = 1.0
"""Grey levels by which a pixel may differ between batches: rounding."""


def check_painted_faces_keep_the_contract(subject: Subject) -> None:
    """uint8 pictures of the size of the faces, as many as there are."""
    faces = DrawnFaces(FACES)
    painted = _paint(_fitted(subject, faces), faces, 3.0)
    batch = faces.batch(range(FACES))
    require(painted.shape == batch.images.shape, f"synthetic faces are {tuple(painted.shape)}")
    require(painted.dtype == torch.uint8, f"synthetic faces are {painted.dtype}, not uint8")


def check_targets_are_seen(subject: Subject) -> None:
    """Other target AUs give other pictures."""
    faces = DrawnFaces(FACES)
    synthesizer = _fitted(subject, faces)
    low, high = (_paint(synthesizer, faces, level) for level in (0.0, 5.0))
    require(not torch.equal(low, high), "the target AUs change nothing")


def check_masked_targets_are_ignored(subject: Subject) -> None:
    """What stands under the mask of a target changes nothing."""
    faces = DrawnFaces(FACES)
    synthesizer = _fitted(subject, faces)
    mask = torch.zeros((FACES, len(faces.aus)), dtype=torch.bool)
    mask[:, 0] = True
    painted = []
    for hidden in (0.0, 5.0):
        targets = faces.targets(torch.where(mask, 3.0, hidden), mask)
        painted.append(synthesizer.synthesize(faces.batch(range(FACES)), targets, _seeds(faces)))
    require_close(painted[0], painted[1], 0, "with other intensities under the mask")


def check_seeds_and_faces_decide_alone(subject: Subject) -> None:
    """A face with its seed is synthesized the same alone, in company and in any order."""
    faces = DrawnFaces(FACES)
    require_painted_alone(_fitted(subject, faces), faces)


def require_painted_alone(synthesizer: Any, faces: DrawnFaces) -> None:
    """What a fitted synthesizer makes depends on the face, its target and its seed alone."""
    whole, targets, seeds = faces.batch(range(len(faces))), faces.targets(4.0), _seeds(faces)

    def run(rows: list[int]) -> Tensor:
        painted: Tensor = synthesizer.synthesize(whole.take(rows), targets.take(rows), seeds[rows])
        return painted.cpu()

    require_batch_independence(run, len(faces), NOISE, "synthetic faces")


def check_saved_synthesizer_is_the_same(subject: Subject) -> None:
    """A fresh instance that loads the saved one synthesizes the same."""
    faces = DrawnFaces(FACES)
    require_saves_and_loads(subject, _fitted(subject, faces), lambda one: _paint(one, faces, 4.0))


def _fitted(subject: Subject, faces: DrawnFaces) -> Any:
    synthesizer = subject.make()
    with session(subject) as where:
        synthesizer.fit(faces, where)
    return synthesizer


def _paint(synthesizer: Any, faces: DrawnFaces, level: float) -> Tensor:
    batch = faces.batch(range(FACES))
    painted: Tensor = synthesizer.synthesize(batch, faces.targets(level), _seeds(faces))
    return painted.cpu()


def _seeds(faces: DrawnFaces) -> Tensor:
    return torch.arange(len(faces), dtype=torch.int64) * 7919


CHECKS: tuple[Check, ...] = (
    check_painted_faces_keep_the_contract,
    check_targets_are_seen,
    check_masked_targets_are_ignored,
    check_seeds_and_faces_decide_alone,
    check_saved_synthesizer_is_the_same,
)
