"""What every built-in balancer promises, whatever the labels are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from label_tables import AUS, labels, rounded, rows_up_to

from aukit.components import Component
from aukit.contracts.context import Context
from aukit.data import records
from aukit.pipeline.stages.training_set import check_plan
from aukit_resampling.plugin import aukit_balancers

ROWS = rows_up_to(25)
EVERY = pytest.mark.parametrize("component", aukit_balancers(), ids=lambda c: c.name)
PER_VIEW = {"resample": {"per_view": True}}
SMALL = {"resample": {"per_level": 7}, "semantic": {"per_level": 7}}


def table(rows: list[Any], prefix: str = "f") -> pa.Table:
    return labels(rows, prefix=prefix, views=("frontal", "0,40", None))


def plan(component: Component, frames: pa.Table, seed: int = 0, **options: Any) -> pa.Table:
    values = {**SMALL.get(component.name, {}), **options}
    balancer = component.load()(component.config(**values), Context())
    made: pa.Table = balancer.plan(frames, frames, AUS, seed)
    return made


@EVERY
@settings(max_examples=25, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 3))
def test_a_plan_uses_training_frames_at_the_level_that_they_show(
    component: Component, rows: list[Any], seed: int
) -> None:
    frames = table(rows)
    made = plan(component, frames, seed)
    ids = frames["id"].to_pylist()
    check_plan(made, AUS, ids, ids)
    shown = {row["id"]: row for row in frames.to_pylist()}
    for row in made.to_pylist():
        decides = row["source"] if row["origin"] == records.REAL else row["target"]
        value = shown[decides][row["training_set"]]
        assert value is not None, "a frame that is not coded for the AU decides a level"
        assert row["level"] == rounded(value)


@EVERY
@pytest.mark.parametrize("per_view", [False, True])
@settings(max_examples=15, deadline=None)
@given(rows=ROWS, random=st.randoms(use_true_random=False))
def test_neither_order_nor_uncoded_frames_nor_another_plan_change_anything(
    component: Component, per_view: bool, rows: list[Any], random: Any
) -> None:
    options = PER_VIEW.get(component.name, {}) if per_view else {}
    frames = table([(0.0, 3.0), *rows])
    uncoded = table([(None, None)] * 6, prefix="a")
    made = plan(component, frames, **options)
    order = list(range(frames.num_rows))
    random.shuffle(order)
    assert plan(component, frames.take(order), **options).equals(made)
    assert plan(component, pa.concat_tables([uncoded, frames]), **options).equals(made)


@EVERY
def test_the_seed_decides(component: Component) -> None:
    random = np.random.default_rng(0)
    rows = random.choice(6, (300, 2), p=[0.6, 0.18, 0.1, 0.06, 0.04, 0.02]).astype(float).tolist()
    first, again, other = (plan(component, table(rows), seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert first.equals(other) == (component.name == "none")


@EVERY
def test_labels_of_which_nothing_is_known_make_an_empty_plan(component: Component) -> None:
    made = plan(component, table([(None, None)] * 4))
    assert made.num_rows == 0
    assert made.schema.equals(records.plan_schema(AUS))


def test_resampling_by_view_counts_in_each_view() -> None:
    frames = table([(float(i % 2), None) for i in range(60)])
    (component,) = (c for c in aukit_balancers() if c.name == "resample")
    views = dict(zip(frames["id"].to_pylist(), frames["view"].to_pylist(), strict=True))
    uses: dict[tuple[Any, ...], int] = {}
    for row in plan(component, frames, per_view=True).to_pylist():
        key = (row["training_set"], row["level"], views[row["source"]])
        uses[key] = uses.get(key, 0) + row["count"]
    expected = {("AU01", level, view): 7 for level in (0, 1) for view in ("frontal", "0,40", None)}
    assert uses == expected


def test_levels_that_only_some_views_lack_are_told(caplog: pytest.LogCaptureFixture) -> None:
    import json

    frames = table([(0.0, 1.0), (0.0, 1.0), (0.0, 1.0), (2.0, 1.0)])
    (component,) = (c for c in aukit_balancers() if c.name == "resample")
    made = plan(component, frames, per_view=True)
    empty = json.loads(made.schema.metadata[b"aukit.empty_levels"])
    assert empty == {"AU01": [1, 3, 4, 5], "AU12": [0, 2, 3, 4, 5]}
    assert "AU01: no training frame at level 2 in view 0,40, 2 in view unknown" in caplog.text
