"""The balancers `none` and `resample`."""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_tables import AUS, ROWS, labels, rounded, skewed

from aukit.config import choice as config
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.data import records
from aukit.errors import ConfigError
from aukit.statistics.levels import level_uses
from aukit_resampling.balancers import EMPTY_LEVELS, Resample, Unbalanced, draw
from aukit_resampling.plugin import NoneConfig, ResampleConfig, aukit_balancers


def resample(table: pa.Table, per_level: int = 7, seed: int = 0, aus: Any = AUS) -> pa.Table:
    return Resample(ResampleConfig(per_level), Context()).plan(table, table, aus, seed)


def unbalanced(table: pa.Table) -> pa.Table:
    return Unbalanced(NoneConfig(), Context()).plan(table, table, AUS, 0)


@given(ROWS)
def test_none_uses_every_coded_frame_once(rows: list[tuple[float | None, ...]]) -> None:
    plan = unbalanced(labels(rows))
    assert plan.schema.equals(records.plan_schema(AUS))
    expected = {
        (name, f"f{i:06d}", rounded(row[place]))
        for place, name in enumerate(AUS)
        for i, row in enumerate(rows)
        if row[place] is not None
    }
    keys = ("training_set", "source", "level")
    found = [tuple(row[key] for key in keys) for row in plan.to_pylist()]
    assert len(found) == len(expected)
    assert set(found) == expected
    assert set(plan["count"].to_pylist()) <= {1}


@given(ROWS, st.integers(1, 50), st.integers(0, 3))
def test_resample_keeps_its_promises(
    rows: list[tuple[float | None, ...]], per_level: int, seed: int
) -> None:
    plan = resample(labels(rows), per_level, seed)
    assert plan.schema.equals(records.plan_schema(AUS))
    uses = Counter[tuple[str, int]]()
    for row in plan.to_pylist():
        label = rows[int(row["source"][1:])][AUS.index(row["training_set"])]
        assert label is not None, "a frame that was not coded is in the plan"
        assert rounded(label) == row["level"]
        assert row["origin"] == "real"
        assert row["target"] is None
        assert row["AU01"] is None
        uses[row["training_set"], row["level"]] += row["count"]
    for place, name in enumerate(AUS):
        for level in range(6):
            exists = any(r[place] is not None and rounded(r[place]) == level for r in rows)
            assert uses[name, level] == (per_level if exists else 0)


@given(st.integers(1, 30), st.integers(1, 100), st.integers(0, 5))
def test_frames_are_used_equally_often_or_once_more(size: int, wanted: int, seed: int) -> None:
    rows, counts = draw(np.arange(size), wanted, np.random.default_rng(seed))
    assert counts.sum() == wanted
    assert len(rows) == min(size, wanted)
    assert counts.max() - counts.min() <= 1
    assert (np.diff(rows) > 0).all()


@settings(max_examples=25)
@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_changes_nothing(rows: list[Any], random: Any) -> None:
    table = labels(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    assert resample(table.take(order)).equals(resample(table))
    assert unbalanced(table.take(order)).equals(unbalanced(table))


def test_seed_decides_the_draw() -> None:
    table = skewed(500, AUS)
    assert resample(table, seed=1).equals(resample(table, seed=1))
    assert not resample(table, seed=1).equals(resample(table, seed=2))


def test_each_frame_is_as_likely_as_any_other() -> None:
    table = labels([(0.0, None)] * 20)
    drawn = Counter[str]()
    for seed in range(400):
        drawn.update(resample(table, per_level=5, seed=seed)["source"].to_pylist())
    assert min(drawn.values()) > 60
    assert max(drawn.values()) < 140


def test_an_au_draws_the_same_whatever_else_is_planned() -> None:
    table = skewed(400, AUS)
    both = resample(table, 20)
    alone = resample(table, 20, aus=("AU12",))
    mask = pc.equal(both["training_set"], "AU12")
    assert both.filter(mask)["source"].equals(alone["source"])


def test_frames_without_a_label_change_nothing() -> None:
    table = skewed(300, AUS)
    unknown = labels([(None, None)] * 50).set_column(
        0, "id", pa.array([f"a{i}" for i in range(50)])
    )
    assert resample(pa.concat_tables([unknown, table])).equals(resample(table))


def test_levels_without_a_frame_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        plan = resample(labels([(0.0, 1.0), (3.0, None)]))
    empty = json.loads(plan.schema.metadata[EMPTY_LEVELS])
    assert empty == {"AU01": [1, 2, 4, 5], "AU12": [0, 2, 3, 4, 5]}
    assert "AU01: no training frame at level 1, 2, 4, 5" in caplog.text


def test_an_au_that_is_not_in_the_table_has_an_empty_training_set() -> None:
    plan = resample(labels([(0.0, 1.0)]), aus=("AU01", "AU43"))
    assert set(plan["training_set"].to_pylist()) == {"AU01"}
    assert json.loads(plan.schema.metadata[EMPTY_LEVELS])["AU43"] == [0, 1, 2, 3, 4, 5]


def test_the_papers_plan_takes_less_than_two_seconds() -> None:
    aus = tuple(f"AU{n:02d}" for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26))
    table = skewed(100_000, aus)
    start = time.process_time()
    plan = resample(table, per_level=5000, aus=aus)
    assert time.process_time() - start < 2
    assert (level_uses(plan, aus) == 5000).all()


def test_per_level_must_be_positive() -> None:
    component = next(c for c in aukit_balancers() if c.name == "resample")
    with pytest.raises(ConfigError, match="per_level must be 1 to 1,000,000"):
        config.build(component, [{"per_level": Value(0, "test")}])
