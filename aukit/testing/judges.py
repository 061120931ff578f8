"""Checks of judges: what they say of drawn faces keeps the contract, however they are batched."""

from __future__ import annotations

from typing import Any, get_args

import torch
from torch import Tensor

from aukit import au
from aukit.contracts.faces import FaceBatch
from aukit.contracts.judge import Measures
from aukit.testing.drawn import DrawnFaces
from aukit.testing.models import require_batch_independence
from aukit.testing.subject import Check, Subject, require

FACES = 6


def check_judge_says_what_it_measures(subject: Subject) -> None:
    """`measures`, `names` and `calibrated` are what a score card understands."""
    judge = subject.make()
    known = get_args(Measures)
    require(judge.measures in known, f"measures is {judge.measures!r}, not one of {known}")
    names = judge.names
    right = isinstance(names, tuple) and names and all(isinstance(name, str) for name in names)
    require(right, f"names is {names!r}, not a tuple of texts")
    require(len(set(names)) == len(names), "a name is there twice")
    require(isinstance(judge.calibrated, bool), "calibrated is neither True nor False")
    if judge.measures == "intensity":
        strange = [name for name in names if not au.is_column(name)]
        require(not strange, f"names that are no AU columns such as AU01: {strange}")
    else:
        require(len(names) == 1, f"one name is needed, that of the distance, not {len(names)}")


def check_looks_keep_the_contract(subject: Subject) -> None:
    """A row of float32 for each face, a column for each AU, and for no face no row."""
    judge, batch = subject.make(), _faces()
    seen = judge.look(batch.images, batch.landmarks)
    require(isinstance(seen, Tensor), f"look returns a {type(seen).__name__}")
    require(seen.dtype == torch.float32, f"look returns {seen.dtype}, not float32")
    require(seen.device.type == "cpu", f"look returns values on {seen.device}")
    require(seen.ndim == 2 and len(seen) == FACES, f"look returns shape {tuple(seen.shape)}")
    if judge.measures == "intensity":
        width = len(judge.names)
        require(seen.shape[1] == width, f"{seen.shape[1]} columns for {width} AUs")
    require(not seen.isinf().any(), "look returns infinite values")
    nobody = judge.look(batch.images[:0], batch.landmarks[:0])
    require(len(nobody) == 0, f"look returns {len(nobody)} rows for no face")


def check_calibrated_looks_stay_on_the_scale(subject: Subject) -> None:
    """A calibrated judge of intensity stays within 0..5."""
    judge, batch = subject.make(), _faces()
    if judge.measures == "intensity" and judge.calibrated:
        seen = judge.look(batch.images, batch.landmarks)
        known = seen[seen.isfinite()]
        require(bool(((known >= 0) & (known <= au.MAX_LEVEL)).all()), "an intensity leaves 0..5")


def check_looks_do_not_depend_on_the_batch(subject: Subject) -> None:
    """A face is seen the same alone, in company and in any order."""
    judge, batch = subject.make(), _faces()

    def look(rows: list[int]) -> Tensor:
        part = batch.take(rows)
        seen: Tensor = judge.look(part.images, part.landmarks)
        # NaN equals nothing; whether a judge can tell must not depend on the batch either.
        return seen.nan_to_num(-1e3)

    require_batch_independence(look, FACES, 1e-3, "what it sees")


def check_looking_changes_no_picture(subject: Subject) -> None:
    """The faces are the same after a look, and so is a second look."""
    judge, batch = subject.make(), _faces()
    images, landmarks = batch.images.clone(), batch.landmarks.clone()
    first = judge.look(batch.images, batch.landmarks)
    unchanged = batch.images.equal(images) and batch.landmarks.equal(landmarks)
    require(unchanged, "look changes its input")
    second = judge.look(batch.images, batch.landmarks)
    require(torch.equal(first.nan_to_num(-1e3), second.nan_to_num(-1e3)), "a second look differs")


def _faces() -> FaceBatch:
    faces: Any = DrawnFaces(FACES)
    batch: FaceBatch = faces.batch(range(FACES))
    return batch


CHECKS: tuple[Check, ...] = (
    check_judge_says_what_it_measures,
    check_looks_keep_the_contract,
    check_calibrated_looks_stay_on_the_scale,
    check_looks_do_not_depend_on_the_batch,
    check_looking_changes_no_picture,
)
