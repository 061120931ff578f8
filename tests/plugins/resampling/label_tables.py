"""Label tables as balancers see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import strategies as st

AUS = ("AU01", "AU12")
INTENSITY = st.one_of(st.none(), st.integers(0, 5).map(float), st.floats(0, 5, width=32))


def rows_up_to(most: int) -> st.SearchStrategy[list[tuple[float | None, ...]]]:
    """Intensities of `AUS` in one to so many frames, None where they are not coded."""
    return st.lists(st.tuples(INTENSITY, INTENSITY), min_size=1, max_size=most)


ROWS = rows_up_to(40)


def labels(
    rows: Sequence[Any],
    aus: tuple[str, ...] = AUS,
    prefix: str = "f",
    views: Sequence[str | None] = ("frontal",),
) -> pa.Table:
    """Frames with these intensities, of three people and of the views in turn."""
    numbers = range(len(rows))
    columns: dict[str, Any] = {
        "id": [f"{prefix}{i:06d}" for i in numbers],
        "subject": [f"s{i % 3}" for i in numbers],
        "view": [views[i % len(views)] for i in numbers],
        "task": ["t"] * len(rows),
    }
    for place, name in enumerate(aus):
        columns[name] = pa.array([row[place] for row in rows], pa.float32())
    return pa.table(columns)


def skewed(frames: int, aus: tuple[str, ...]) -> pa.Table:
    """Frames in which high levels are rare, all coded."""
    random = np.random.default_rng(0)
    share = [0.9, 0.05, 0.03, 0.01, 0.007, 0.003]
    return labels(random.choice(6, (frames, len(aus)), p=share).astype(float).tolist(), aus)


def rounded(value: float | None) -> int | None:
    """The level of an intensity."""
    return None if value is None else int(np.floor(np.float32(value) + np.float32(0.5)))
