"""The six intensity levels of labels and their frequencies."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aukit import au
from aukit.contracts.labels import Labels

UNKNOWN = -1
"""The level of a frame that was not coded."""


def levels_of(labels: Labels) -> NDArray[np.int8]:
    """(N, A) levels 0..5, halves rounded up; `UNKNOWN` where an AU was not coded."""
    rounded = np.floor(labels.values.cpu().numpy() + 0.5)
    return np.where(labels.mask.cpu().numpy(), rounded, UNKNOWN).astype(np.int8)


def label_counts(labels: Labels) -> NDArray[np.int64]:
    """(A, 6) number of coded frames of each AU at each level."""
    levels = levels_of(labels)
    return np.stack([(levels == level).sum(0) for level in range(au.MAX_LEVEL + 1)], axis=1)


def level_uses(plan: pa.Table, aus: tuple[str, ...]) -> NDArray[np.int64]:
    """(A, 6) uses of each AU's levels in a plan (`records.plan_schema`)."""
    sums = plan.group_by(["training_set", "level"]).aggregate([("count", "sum")])
    counts = np.zeros((len(aus), au.MAX_LEVEL + 1), np.int64)
    for row in sums.to_pylist():
        if row["training_set"] in aus:
            counts[aus.index(row["training_set"]), row["level"]] = row["count_sum"]
    return counts
