"""Made-up predictions: a table as a run writes it, with noise in place of an estimator."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from aukit.data import records

AUS = ("AU01", "AU12")


def made_up(
    frames: int = 240, people: int = 6, views: int = 1, noise: float = 1.0, seed: int = 0
) -> pa.Table:
    """The same truth for every seed, with estimates that the seed and the noise decide.

    Args:
        frames: number of rows.
        people: the frames belong to so many people in turn.
        views: and to so many views.
        noise: standard deviation of the estimates about the truth.
        seed: of the noise.

    Returns:
        rows of `records.prediction_schema(AUS)`; a tenth of AU12 is not coded.
    """
    truth_of, random = np.random.default_rng(99), np.random.default_rng(seed)
    columns: dict[str, Any] = {
        "id": [f"d/test/f{i}" for i in range(frames)],
        "dataset": ["d"] * frames,
        "partition": ["test"] * frames,
        "subject": [f"s{i % people}" for i in range(frames)],
        "task": ["t"] * frames,
        "view": [f"v{i % views}" for i in range(frames)],
        "frame": list(range(frames)),
        "time_s": [0.0] * frames,
    }
    for name in AUS:
        truth = truth_of.integers(0, 6, frames)
        hidden = (truth_of.random(frames) < 0.1) & (name == "AU12")
        estimate = np.clip(truth + random.normal(0, noise, frames), 0, 5)
        columns[name] = pa.array(truth.astype(np.float32), mask=hidden)
        columns[f"{name}_predicted"] = estimate.astype(np.float32)
        columns[f"{name}_level"] = np.rint(estimate).astype(np.int8)
    return pa.table(columns, schema=records.prediction_schema(AUS))


def replaced(table: pa.Table, name: str, values: Any) -> pa.Table:
    """The table with other values in a column."""
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values, table[name].type))
