"""The sequences that the report shows are those that the rule names."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pingouin
import pyarrow as pa
import pytest

from aukit.data import records
from aukit.report.figures import POINTS, Estimates
from aukit.report.sequences import SHORTEST, rank, timelines

Make = Callable[..., pa.Table]


def with_noise(table: pa.Table, noise: dict[str, float]) -> pa.Table:
    """Estimates that are the truth with as much noise as each person is given."""
    random = np.random.default_rng(1)
    people = np.array([noise[name] for name in table.column("subject").to_pylist()])
    for name in records.au_columns(table):
        truth = np.nan_to_num(table.column(name).to_numpy(zero_copy_only=False))
        estimate = np.clip(truth + people * random.normal(size=len(truth)), 0, 5)
        place = table.column_names.index(f"{name}_predicted")
        column = pa.array(estimate.astype(np.float32))
        table = table.set_column(place, table.schema.field(place), column)
    return table


def test_best_median_and_worst_are_shown(make_predictions: Make) -> None:
    noise = {"p0": 0.8, "p1": 0.1, "p2": 2.0, "p3": 0.4, "p4": 1.2}
    table = with_noise(make_predictions(people=5), noise)
    rule, groups = timelines(table, Estimates.of(table))
    assert "Out of 5 sequences" in rule
    assert [group.title.split(" · ")[0] for group in groups] == [
        "The best: p1",
        "The median: p0",
        "The worst: p2",
    ]
    assert [len(group.figures) for group in groups] == [3, 3, 3]
    assert all("seconds" in figure.chart for group in groups for figure in group.figures)


def test_agreement_is_the_icc_of_an_independent_program(make_predictions: Make) -> None:
    table = make_predictions(people=1, aus=("AU12",))
    truth = table.column("AU12").to_numpy(zero_copy_only=False)
    estimate = table.column("AU12_predicted").to_numpy()
    frames = np.tile(np.arange(len(truth)), 2)
    long = {"f": frames, "r": np.repeat([0, 1], len(truth)), "s": np.r_[truth, estimate]}
    import pandas

    found = pingouin.intraclass_corr(pandas.DataFrame(long), targets="f", raters="r", ratings="s")
    expected = found.set_index("Type")["ICC"].filter(regex=r"^ICC(3|\(C,1\))$").iloc[0]
    (agreement,) = rank(table, Estimates.of(table)).agreement
    assert agreement == pytest.approx(expected, abs=1e-6)


def test_what_does_not_change_is_not_ranked(make_predictions: Make) -> None:
    table = make_predictions(people=3, aus=("AU12",))
    truth = table.column("AU12").to_numpy(zero_copy_only=False).copy()
    truth[:120] = 2
    place = table.column_names.index("AU12")
    still = table.set_column(place, table.schema.field(place), pa.array(truth, pa.float32()))
    assert [name[:2] for name in sorted(rank(still, Estimates.of(still)).names)] == ["p1", "p2"]
    rule, groups = timelines(still, Estimates.of(still))
    assert "Out of 2 sequences" in rule
    assert [group.title[:10] for group in groups] == ["The best: ", "The worst:"]


def test_nothing_to_rank_gives_no_charts(make_predictions: Make) -> None:
    table = make_predictions(people=1, length=SHORTEST - 1)
    assert timelines(table, Estimates.of(table))[1] == []
    assert timelines(table.slice(0, 0), Estimates.of(table.slice(0, 0)))[1] == []


def test_short_recordings_of_a_person_follow_each_other(make_predictions: Make) -> None:
    table = make_predictions(people=2, length=24)
    task = pa.array([f"t{(row % 24) // 4}" for row in range(48)])
    table = table.set_column(table.column_names.index("task"), "task", task)
    rule, groups = timelines(table, Estimates.of(table))
    assert "are concatenated" in rule
    assert "24 frames" in groups[0].note
    chart = groups[0].figures[0].chart
    paths = [part.split('"')[0] for part in chart.split(' d="')[1:]]
    assert [path.count("M") for path in paths] == [6, 6]  # a line for each recording


def test_very_long_sequences_have_a_bounded_number_of_points(make_predictions: Make) -> None:
    table = make_predictions(people=1, length=50_000, aus=("AU12",))
    _, (group,) = timelines(table, Estimates.of(table))
    assert "50,000 frames, every 125th drawn" in group.note
    path = group.figures[0].chart.split(' d="')[1].split('"')[0]
    assert path.count("L") < POINTS


def test_rows_may_come_in_any_order(make_predictions: Make) -> None:
    table = make_predictions(people=3)
    order = np.random.default_rng(0).permutation(table.num_rows)
    mixed = table.take(pa.array(order))
    assert timelines(mixed, Estimates.of(mixed)) == timelines(table, Estimates.of(table))
