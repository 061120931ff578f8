"""The balancer `semantic`: what is painted, and how often."""

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

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.contracts.context import Context
from aukit.data import records
from aukit.pipeline.stages.plan import planned
from aukit.pipeline.stages.training_set import check_plan, synthetic_requests
from aukit.statistics.levels import level_uses
from aukit_resampling.balancers import EMPTY_LEVELS
from aukit_resampling.plugin import SemanticConfig
from aukit_resampling.semantic import Semantic, match, mix


def semantic(
    table: pa.Table, per_level: int = 7, seed: int = 0, aus: Any = AUS, sources: Any = None
) -> pa.Table:
    painted = table if sources is None else sources
    return Semantic(SemanticConfig(per_level), Context()).plan(table, painted, aus, seed)


@given(ROWS, st.integers(1, 50), st.integers(0, 3))
def test_requests_are_those_of_the_paper(
    rows: list[tuple[float | None, ...]], per_level: int, seed: int
) -> None:
    plan = semantic(labels(rows), per_level, seed)
    assert plan.schema.equals(records.plan_schema(AUS))
    uses = Counter[tuple[str, int]]()
    for request in plan.to_pylist():
        place = AUS.index(request["training_set"])
        source, target = (rows[int(request[key][1:])] for key in ("source", "target"))
        assert request["origin"] == "synthetic"
        assert rounded(source[place]) == 0, "painted a face that shows the AU, or is not coded"
        assert rounded(target[place]) == request["level"]
        for name, value in zip(AUS, target, strict=True):
            assert request[name] == (None if value is None else np.float32(value))
        uses[request["training_set"], request["level"]] += request["count"]
    for place, name in enumerate(AUS):
        levels = [rounded(row[place]) for row in rows]
        for level in range(6):
            possible = level in levels and 0 in levels
            assert uses[name, level] == (per_level if possible else 0)


@given(ROWS, st.integers(1, 30))
def test_frames_are_used_evenly(rows: list[tuple[float | None, ...]], per_level: int) -> None:
    plan = semantic(labels(rows), per_level)
    for place, name in enumerate(AUS):
        absent = sum(rounded(row[place]) == 0 for row in rows)
        for level in range(6):
            part = [r for r in plan.to_pylist() if (r["training_set"], r["level"]) == (name, level)]
            if not part:
                continue
            shown = sum(rounded(row[place]) == level for row in rows)
            targets = Counter(r["target"] for r in part)
            assert len(targets) == min(shown, per_level)
            assert max(targets.values()) - min(targets.values()) <= 1
            assert max(Counter(r["source"] for r in part).values()) <= -(-per_level // absent)


@settings(max_examples=25)
@given(ROWS, st.randoms(use_true_random=False))
def test_row_order_changes_nothing(rows: list[Any], random: Any) -> None:
    table = labels(rows)
    order = list(range(len(rows)))
    random.shuffle(order)
    assert semantic(table.take(order)).equals(semantic(table))


@settings(max_examples=25)
@given(ROWS)
def test_frames_without_a_label_change_nothing(rows: list[Any]) -> None:
    table = labels([(0.0, 3.0), *rows])
    more = pa.concat_tables([labels([(None, None)] * 9, prefix="a"), table])
    assert semantic(more).equals(semantic(table))


def test_seed_decides_the_draw() -> None:
    table = skewed(500, AUS)
    assert semantic(table, seed=1).equals(semantic(table, seed=1))
    one, other = semantic(table, seed=1), semantic(table, seed=2)
    for column in ("source", "target", "seed"):
        assert not one[column].equals(other[column])


def test_each_source_is_as_likely_as_any_other_and_pairs_are_independent() -> None:
    table = labels([(0.0, None)] * 12 + [(3.0, None)] * 6)
    sources, pairs = Counter[str](), Counter[tuple[str, str]]()
    for seed in range(600):
        for request in semantic(table, per_level=3, seed=seed).to_pylist():
            if request["level"] == 3:
                sources[request["source"]] += 1
                pairs[request["source"], request["target"]] += 1
    assert len(pairs) == 12 * 6
    # 1800 draws of 12 sources: 150 each, standard deviation below 12; of 72 pairs: 25 each, 5.
    assert max(abs(count - 150) for count in sources.values()) < 50
    assert max(abs(count - 25) for count in pairs.values()) < 22


def test_an_au_draws_the_same_whatever_else_is_planned() -> None:
    table = skewed(400, AUS)
    both, alone = semantic(table, 20), semantic(table, 20, aus=("AU12",))
    of_12 = both.filter(pc.equal(both["training_set"], "AU12"))
    for column in ("source", "target", "seed"):
        assert of_12[column].equals(alone[column])


def test_training_sets_share_faces() -> None:
    aus = tuple(f"AU{n:02d}" for n in (1, 4, 6, 10, 12, 14, 17))
    plan = semantic(skewed(2500, aus), per_level=100, aus=aus)
    made = synthetic_requests(plan, aus)
    assert plan.num_rows == 7 * 6 * 100
    # All but the rare levels meet in the frames with the smallest keys.
    assert made.num_rows < 0.8 * plan.num_rows
    neutral = plan.filter(pc.equal(plan["level"], 0))
    assert synthetic_requests(neutral, aus).num_rows < 0.5 * neutral.num_rows


def test_few_sources_are_used_equally_often() -> None:
    # As in section 4.7: 921 faces of an uncoded dataset, 4,605 requests, five targets a face.
    faces = labels([(None, None)] * 921, prefix="multipie")
    plan = semantic(skewed(20_000, AUS), per_level=4605, sources=faces)
    for name in AUS:
        for level in range(6):
            mask = pc.and_(pc.equal(plan["training_set"], name), pc.equal(plan["level"], level))
            assert set(Counter(plan.filter(mask)["source"].to_pylist()).values()) == {5}


def test_sources_of_another_dataset_must_not_show_the_au_if_it_is_coded() -> None:
    faces = labels([(0.0,), (2.0,), (None,)], ("AU01",), prefix="other")
    plan = semantic(labels([(1.0, 1.0)]), sources=faces)
    by_au = {name: pc.equal(plan["training_set"], name) for name in AUS}
    assert set(plan.filter(by_au["AU01"])["source"].to_pylist()) == {"other000000"}
    # AU12 is coded nowhere among them, so all that are coded for anything may be painted.
    assert set(plan.filter(by_au["AU12"])["source"].to_pylist()) == {"other000000", "other000001"}


def test_no_validation_or_test_face_is_named() -> None:
    table = skewed(300, AUS)
    plan = semantic(table, 40)
    ids = table["id"].to_pylist()
    check_plan(plan, AUS, ids, ids)
    assert set(plan["source"].to_pylist()) | set(plan["target"].to_pylist()) <= set(ids)


def test_levels_that_nobody_shows_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        plan = semantic(labels([(0.0, 1.0), (3.0, None)]))
    empty = json.loads(plan.schema.metadata[EMPTY_LEVELS])
    assert empty == {"AU01": [1, 2, 4, 5], "AU12": [0, 2, 3, 4, 5]}
    assert "AU01: no training frame at level 1, 2, 4, 5" in caplog.text
    assert "AU12: no source face, since all faces show this AU" in caplog.text
    assert set(plan["training_set"].to_pylist()) == {"AU01"}


def test_an_au_that_is_not_in_the_table_has_an_empty_training_set() -> None:
    plan = semantic(labels([(0.0, 1.0)]), aus=("AU01", "AU43"))
    assert set(plan["training_set"].to_pylist()) == {"AU01"}
    assert plan["AU43"].null_count == plan.num_rows > 0


def test_the_papers_plan_takes_less_than_two_seconds() -> None:
    aus = tuple(f"AU{n:02d}" for n in (1, 2, 4, 5, 6, 9, 12, 15, 17, 20, 25, 26))
    table = skewed(100_000, aus)
    start = time.process_time()  # tests run beside each other
    plan = semantic(table, per_level=5000, aus=aus)
    assert time.process_time() - start < 2
    assert (level_uses(plan, aus) == 5000).all()


@given(st.integers(1, 60), st.integers(1, 40), st.data())
def test_matching_fills_every_request_within_the_limit(size: int, count: int, data: Any) -> None:
    allowed = np.array(sorted(data.draw(st.sets(st.integers(0, count - 1), min_size=1))))
    keys = mix(np.arange(size, dtype=np.uint64))
    chosen = match(keys, allowed, count)
    assert set(chosen.tolist()) <= set(allowed.tolist())
    assert np.bincount(chosen).max() <= -(-size // len(allowed))


def test_words_are_those_of_splitmix64() -> None:
    # The first outputs of the published generator, seeded with 0 and with 1234567.
    assert int(mix(np.uint64(0))) == 0xE220A8397B1DCDAF
    assert int(mix(np.uint64(1234567))) == 6457827717110365317


def test_each_view_is_drawn_by_itself_as_in_figure_5_c() -> None:
    """Niinuma et al. 2021, 4.6: as many faces for each AU, level and pose."""
    table = labels([(level % 6, 0) for level in range(60)])
    record = Component(
        "balancer", "semantic", "aukit_resampling.semantic:Semantic", SemanticConfig, ""
    )
    views = ["frontal", "-40,0", "0,40"]
    maker = Semantic(SemanticConfig(5), Context())
    plan = planned(Choice(record, SemanticConfig(5)), maker, table, table, AUS[:1], 0, views)
    uses = Counter[tuple[int, str]]()
    for row in plan.to_pylist():
        uses[row["level"], row["view"]] += row["count"]
    assert uses == {(level, view): 5 for level in range(6) for view in views}
    drawn = {v: set(plan.filter(pc.equal(plan["view"], v))["seed"].to_pylist()) for v in views}
    assert not drawn["frontal"] & drawn["-40,0"]
    assert synthetic_requests(plan, AUS[:1]).num_rows == plan.num_rows
