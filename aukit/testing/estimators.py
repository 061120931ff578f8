"""Checks of estimators: fitted on drawn faces that they must be able to learn by heart."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aukit.contracts.estimator import Calibrates, Prediction, TrainingSet
from aukit.statistics.agreement import agreement_terms, icc
from aukit.testing.drawn import DrawnFaces
from aukit.testing.models import (
    Disguised,
    require_batch_independence,
    require_close,
    require_saves_and_loads,
    session,
)
from aukit.testing.subject import Check, Subject, require

FACES = 16
USES = 10
"""How often each face is used where the estimator shall learn it by heart."""

LEAST_ICC = 0.8


def check_predictions_keep_the_contract(subject: Subject) -> None:
    """Intensities and levels of every face and AU, in range, and the AUs known by name."""
    faces = DrawnFaces(FACES)
    estimator = _fitted(subject, faces)
    require(tuple(estimator.aus) == faces.aus, f"aus are {estimator.aus} after the fit")
    prediction = estimator.predict(faces.batch(range(FACES)))
    require(isinstance(prediction, Prediction), "predict does not return a Prediction")
    for name, kind in (("intensity", torch.float32), ("level", torch.int64)):
        values = getattr(prediction, name)
        require(values.shape == (FACES, len(faces.aus)), f"{name} has shape {values.shape}")
        require(values.dtype == kind, f"{name} is {values.dtype}, not {kind}")
        require(values.isfinite().all(), f"{name} is not finite")
        require(((values >= 0) & (values <= 5)).all(), f"{name} leaves 0..5")


def check_learns_drawn_faces_by_heart(subject: Subject) -> None:
    """Fitted and asked on the same 16 faces, it agrees with their labels."""
    faces = DrawnFaces(FACES)
    predicted = _intensity(_fitted(subject, faces, USES), faces).double()
    terms = agreement_terms(faces.labels.values.double(), predicted, faces.labels.mask)
    scores = icc(terms.sum(0)).tolist()
    named = ", ".join(f"{au} {score:.2f}" for au, score in zip(faces.aus, scores, strict=True))
    require(sum(scores) / len(scores) >= LEAST_ICC, f"ICC on its own training faces: {named}")


def check_masked_labels_change_nothing(subject: Subject) -> None:
    """Whatever stands under a mask, the same seed gives the same estimator."""
    plain = DrawnFaces(FACES, uncoded=0.3)
    first, second = (
        _intensity(_fitted(subject, faces), plain) for faces in (plain, Disguised(plain, 5.0))
    )
    require_close(first, second, 1e-6, "with 5 under the mask")


def check_predictions_do_not_depend_on_the_batch(subject: Subject) -> None:
    """A face gets the same estimate alone, in company and in any order."""
    faces = DrawnFaces(6)
    estimator = _fitted(subject, faces)
    whole = faces.batch(range(6))

    def run(rows: list[int]) -> Tensor:
        intensity: Tensor = estimator.predict(whole.take(rows)).intensity
        return intensity

    require_batch_independence(run, 6, 1e-3, "estimates")


def check_saved_estimator_is_the_same(subject: Subject) -> None:
    """A fresh instance that loads the saved one predicts the same."""
    faces = DrawnFaces(FACES)
    require_saves_and_loads(subject, _fitted(subject, faces), lambda one: _intensity(one, faces))


def check_calibration_reads_no_labels(subject: Subject) -> None:
    """An estimator that looks at people before it predicts does not look at their codes."""
    known, first = DrawnFaces(FACES), DrawnFaces(8, partition="test", seed=2, uncoded=1.0)
    estimator = _fitted(subject, known)
    if not isinstance(estimator, Calibrates):
        return
    for at_rest in (False, True):
        estimator.calibrate(first, at_rest)
        plain = _intensity(estimator, first)
        estimator.calibrate(Disguised(first, 5.0), at_rest)
        require_close(plain, _intensity(estimator, first), 0, "with 5 under the mask")
    require(plain.isfinite().all(), "estimates of calibrated faces are not finite")


def _fitted(subject: Subject, faces: DrawnFaces, uses: int = 1) -> Any:
    counts = faces.labels.mask.float() * uses
    valid = DrawnFaces(8, partition="valid", aus=faces.aus, seed=1)
    estimator = subject.make()
    with session(subject) as where:
        estimator.fit(TrainingSet(faces, counts), valid, where)
    return estimator


def _intensity(estimator: Any, faces: DrawnFaces) -> Tensor:
    intensity: Tensor = estimator.predict(faces.batch(range(len(faces)))).intensity
    return intensity.cpu()


CHECKS: tuple[Check, ...] = (
    check_predictions_keep_the_contract,
    check_learns_drawn_faces_by_heart,
    check_masked_labels_change_nothing,
    check_predictions_do_not_depend_on_the_batch,
    check_saved_estimator_is_the_same,
    check_calibration_reads_no_labels,
)
