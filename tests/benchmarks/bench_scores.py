"""How fast predictions are scored: pytest tests/benchmarks/bench_scores.py"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from aukit.au import DISFA
from aukit.contracts.context import Context
from aukit.data.records import prediction_schema
from aukit.scoring.scores import paired_difference, score_predictions
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig

FRAMES, PEOPLE, VIEWS = 1_000_000, 60, 9
METRIC = Intensity(IntensityConfig(), Context())


def predictions(seed: int) -> pa.Table:
    """A million frames of 12 AUs: 60 people in nine views, the same truth for every seed."""
    truth, random = np.random.default_rng(0), np.random.default_rng(seed)
    number = np.arange(FRAMES)
    columns: dict[str, Any] = {
        "id": pa.array(number).cast(pa.string()),
        "dataset": pa.array(["d"] * FRAMES),
        "partition": pa.array(["test"] * FRAMES),
        "subject": pa.array(number % PEOPLE).cast(pa.string()),
        "task": pa.array(["t"] * FRAMES),
        "view": pa.array(number // PEOPLE % VIEWS).cast(pa.string()),
        "frame": number,
        "time_s": number / 25,
    }
    for name in DISFA:
        levels = truth.integers(0, 6, FRAMES).astype(np.float32)
        noise = random.normal(0, 1, FRAMES).astype(np.float32)
        columns[name] = levels
        columns[f"{name}_predicted"] = np.clip(levels + noise, 0, 5)
        columns[f"{name}_level"] = levels.astype(np.int8)
    return pa.table(columns, schema=prediction_schema(DISFA))


@pytest.fixture(scope="module")
def first() -> pa.Table:
    return predictions(1)


def test_score_a_million_frames(benchmark: BenchmarkFixture, first: pa.Table) -> None:
    scores = benchmark.pedantic(score_predictions, (first, [METRIC]), rounds=3)
    assert len(scores["views"]) == VIEWS


def test_compare_a_million_frames(benchmark: BenchmarkFixture, first: pa.Table) -> None:
    second = predictions(2)
    scores = benchmark.pedantic(paired_difference, ([first], [second], [METRIC]), rounds=3)
    assert len(scores["people"]) == PEOPLE
