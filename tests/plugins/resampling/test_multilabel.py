"""The balancers `ml-ros` and `ml-rus`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aukit.config import choice as config
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.data.records import labels_of
from aukit.errors import ConfigError
from aukit.statistics.levels import UNKNOWN, levels_of
from aukit.testing.drawn import AUS, label_table
from aukit_resampling.multilabel import (
    CLASSES,
    MlRos,
    MlRus,
    imbalance,
    repeated,
    shown_labels,
    thinned,
)
from aukit_resampling.plugin import Labelling, MlRosConfig, MlRusConfig, aukit_balancers

SHOWN = st.integers(1, 4).flatmap(
    lambda labels: st.lists(
        st.lists(st.booleans(), min_size=labels, max_size=labels), min_size=1, max_size=30
    )
)


def matrix(rows: list[list[bool]]) -> NDArray[np.bool_]:
    shown = np.array(rows, bool)
    return shown[:, shown.any(0)]


def disjoint(*counts: int) -> NDArray[np.bool_]:
    """Frames that show one label each."""
    return np.repeat(np.eye(len(counts), dtype=bool), counts, axis=0)


def ratios(shown: NDArray[np.bool_], uses: NDArray[np.int32]) -> NDArray[np.float64]:
    """IRLbl by its definition, from scratch."""
    counts = [sum(int(n) for n, row in zip(uses, shown, strict=True) if row[label])
              for label in range(shown.shape[1])]  # fmt: skip
    return np.array([max(counts) / count if count else np.inf for count in counts])


def slow(shown: NDArray[np.bool_], most: int, random: Any, step: int) -> NDArray[np.int32]:
    """Both algorithms as they are written down: every ratio anew after each change."""
    uses = np.ones(len(shown), np.int32)
    first = ratios(shown, uses)
    if not len(first):
        return uses
    chosen = first > first.mean() if step > 0 else first < first.mean()
    bags = {label: np.flatnonzero(shown[:, label]) for label in np.flatnonzero(chosen)}
    if step < 0:
        bags = {label: random.permutation(bag) for label, bag in bags.items()}
    while most > 0 and bags:
        for label in list(bags):
            if most == 0:
                break
            if step > 0:
                row = bags[label][random.integers(len(bags[label]))]
            else:
                left = [row for row in bags[label] if uses[row]]
                if not left:
                    del bags[label]
                    continue
                row = left[-1]
            uses[row] += step
            most -= 1
            now = ratios(shown, uses)[label]
            if now <= first.mean() if step > 0 else now >= first.mean():
                del bags[label]
    return uses


@settings(max_examples=60)
@given(SHOWN, st.integers(0, 40), st.integers(0, 3))
def test_running_counts_are_those_of_the_definition(
    rows: list[list[bool]], most: int, seed: int
) -> None:
    shown = matrix(rows)
    for fast, step in ((repeated, 1), (thinned, -1)):
        found = fast(shown, most, np.random.default_rng(seed))
        wanted = slow(shown, most, np.random.default_rng(seed), step)
        np.testing.assert_array_equal(found, wanted)


def test_imbalance_is_that_of_the_paper() -> None:
    assert imbalance(np.array([10, 5, 1])).tolist() == [1, 2, 10]
    assert imbalance(np.array([], np.int64)).tolist() == []


def test_a_rare_label_is_repeated_until_it_is_as_rare_as_the_mean() -> None:
    # IRLbl 1, 2 and 10, mean 4.33: the third label's frame is used until 10 / n falls below it.
    uses = repeated(disjoint(10, 5, 1), 100, np.random.default_rng(0))
    assert uses.tolist() == [1] * 15 + [3]
    assert repeated(disjoint(10, 5, 1), 1, np.random.default_rng(0)).tolist() == [1] * 15 + [2]


def test_frequent_labels_are_thinned_in_turn() -> None:
    # The first two labels are below the mean; the second retires at 6 / 1 > 4.33, after 4 + 4.
    uses = thinned(disjoint(10, 5, 1), 10, np.random.default_rng(0))
    assert [part.sum() for part in np.split(uses, [10, 15])] == [4, 1, 1]
    assert thinned(disjoint(10, 5, 1), 1, np.random.default_rng(0))[:10].sum() == 9


def test_every_frame_of_a_bag_is_as_likely() -> None:
    shown = disjoint(60, 6)
    drawn, left = Counter[int](), Counter[int]()
    for seed in range(300):
        drawn.update(np.flatnonzero(repeated(shown, 1, np.random.default_rng(seed)) > 1).tolist())
        left.update(np.flatnonzero(thinned(shown, 6, np.random.default_rng(seed)) == 0).tolist())
    assert set(drawn) == set(range(60, 66))
    assert max(abs(count - 50) for count in drawn.values()) < 35  # sd 6.5
    assert set(left) == set(range(60))
    assert max(abs(count - 30) for count in left.values()) < 28  # sd 5.2


@pytest.mark.parametrize(
    ("labels", "expected"),
    [("presence", 2), ("levels", 3), ("classes", 5)],
)
def test_what_counts_as_a_label(labels: Labelling, expected: int) -> None:
    levels = np.array([[0, 2], [3, 0], [5, UNKNOWN]], np.int8)
    shown = shown_labels(levels, CLASSES[labels])
    assert shown.shape == (3, expected)
    known = {"presence": [1, 1, 1], "levels": [1, 1, 1], "classes": [2, 2, 1]}
    assert shown.sum(1).tolist() == known[labels]


@pytest.mark.parametrize("labels", ["presence", "levels", "classes"])
def test_frames_are_used_equally_often_for_all_their_aus(labels: Labelling) -> None:
    table = label_table(400)
    levels = levels_of(labels_of(table, AUS))
    names = table["id"].to_pylist()
    coded = {(a, n) for n, row in zip(names, levels, strict=True)
             for a, level in zip(AUS, row, strict=True) if level != UNKNOWN}  # fmt: skip
    many = MlRos(MlRosConfig(30, labels), Context()).plan(table, table, AUS, 0)
    few = MlRus(MlRusConfig(30, labels), Context()).plan(table, table, AUS, 0)
    for plan in (many, few):
        uses = frame_uses(plan)
        assert all(len(counts) == 1 for counts in uses.values())
    assert {(r["training_set"], r["source"]) for r in many.to_pylist()} == coded
    extra = sum(counts.copy().pop() - 1 for counts in frame_uses(many).values())
    gone = 400 - len(frame_uses(few)) - sum((row == UNKNOWN).all() for row in levels)
    assert 0 < extra <= 120
    assert 0 < gone <= 120


def frame_uses(plan: pa.Table) -> dict[str, set[int]]:
    uses: dict[str, set[int]] = {}
    for row in plan.to_pylist():
        uses.setdefault(row["source"], set()).add(row["count"])
    return uses


def test_the_rarest_levels_become_less_rare() -> None:
    table = label_table(3000)
    levels = levels_of(labels_of(table, AUS))
    shown = shown_labels(levels, CLASSES["levels"])
    uses = repeated(shown, 1500, np.random.default_rng(0))
    before = ratios(shown, np.ones_like(uses))
    # All bags have retired; the most frequent label grew a little afterwards.
    assert ratios(shown, uses).max() < 1.1 * before.mean() < 0.5 * before.max()
    thin = thinned(shown, 300, np.random.default_rng(0))
    assert ratios(shown, thin).mean() < before.mean()


@pytest.mark.parametrize(("name", "percent"), [("ml-ros", 0), ("ml-rus", 0), ("ml-rus", 100)])
def test_impossible_percentages_are_refused(name: str, percent: int) -> None:
    component = next(c for c in aukit_balancers() if c.name == name)
    with pytest.raises(ConfigError, match="percent must"):
        config.build(component, [{"percent": Value(percent, "test")}])
