"""Checks of balancers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from aukit.data import records
from aukit.statistics.levels import UNKNOWN, levels_of
from aukit.testing.drawn import AUS, label_table
from aukit.testing.subject import Check, Subject, require


def check_plan_keeps_the_contract(subject: Subject) -> None:
    """The plan has the schema, sensible counts and levels, and names only what it was given."""
    labels = label_table()
    plan = _plan(subject, labels)
    require(plan.schema.equals(records.plan_schema(AUS)), f"the plan's columns are {plan.schema}")
    require(plan.num_rows > 0, "the plan is empty")
    require(pc.min(plan["count"]).as_py() >= 1, "a count is below 1")
    require(set(plan["training_set"].to_pylist()) <= set(AUS), "training sets of other AUs")
    require(set(plan["level"].to_pylist()) <= set(range(6)), "a level is not in 0..5")
    origins = set(plan["origin"].to_pylist())
    require(origins <= {records.REAL, records.SYNTHETIC}, f"origins are {origins}")
    known = set(labels["id"].to_pylist())
    for column in ("source", "target"):
        named = set(plan[column].drop_null().to_pylist())
        require(named <= known, f"'{column}' names frames that were not given")


def check_real_rows_have_the_level_they_claim(subject: Subject) -> None:
    """A real frame enters the training set of an AU that it is coded for, at its own level."""
    labels = label_table()
    levels = _levels(labels)
    for row in _rows(_plan(subject, labels), records.REAL):
        level = levels[row["source"]][row["training_set"]]
        require(level != UNKNOWN, f"{row['source']} is not coded for {row['training_set']}")
        require(level == row["level"], f"{row['source']} is {level}, not {row['level']}")
        require(row["target"] is None, "a real row names a target")


def check_synthetic_rows_ask_for_their_level(subject: Subject) -> None:
    """The target AUs of a synthetic row have the AU of its training set at its level."""
    for row in _rows(_plan(subject, label_table()), records.SYNTHETIC):
        asked = row[row["training_set"]]
        require(asked is not None, f"a synthetic row asks for no {row['training_set']}")
        require(round(asked) == row["level"], f"asks for {asked:g} at level {row['level']}")


def check_plan_is_a_function_of_labels_and_seed(subject: Subject) -> None:
    """The same labels and seed give the same plan, from another instance too."""
    first, second = (_plan(subject, label_table()) for _ in range(2))
    require(first.equals(second), "two plans of the same labels and seed differ")


def check_row_order_changes_nothing(subject: Subject) -> None:
    """Shuffled labels give the same requests."""
    labels = label_table()
    order = np.random.default_rng(0).permutation(labels.num_rows)
    plain, shuffled = _plan(subject, labels), _plan(subject, labels.take(order))
    require(_sorted(plain).equals(_sorted(shuffled)), "the order of the rows changes the plan")


def check_uncoded_frames_change_nothing(subject: Subject) -> None:
    """Frames on which nothing is coded change no request."""
    labels = label_table()
    extra = labels.slice(0, 20)
    ids = pa.array([f"{name}/uncoded" for name in extra["id"].to_pylist()])
    extra = extra.set_column(0, "id", ids)
    for name in AUS:
        place = extra.column_names.index(name)
        extra = extra.set_column(place, name, pa.nulls(20, pa.float32()))
    plain, more = _plan(subject, labels), _plan(subject, pa.concat_tables([labels, extra]))
    require(_sorted(plain).equals(_sorted(more)), "frames without any code change the plan")


def _plan(subject: Subject, labels: pa.Table) -> pa.Table:
    plan: pa.Table = subject.make().plan(labels, labels, AUS, 3)
    return plan


def _levels(labels: pa.Table) -> dict[str, dict[str, int]]:
    found = levels_of(records.labels_of(labels, AUS)).tolist()
    named = zip(labels["id"].to_pylist(), found, strict=True)
    return {name: dict(zip(AUS, row, strict=True)) for name, row in named}


def _rows(plan: pa.Table, origin: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = plan.filter(pc.equal(plan["origin"], origin)).to_pylist()
    return rows


def _sorted(plan: pa.Table) -> pa.Table:
    keys = [(name, "ascending") for name in plan.column_names]
    return plan.take(pc.sort_indices(plan, keys))


CHECKS: tuple[Check, ...] = (
    check_plan_keeps_the_contract,
    check_real_rows_have_the_level_they_claim,
    check_synthetic_rows_ask_for_their_level,
    check_plan_is_a_function_of_labels_and_seed,
    check_row_order_changes_nothing,
    check_uncoded_frames_change_nothing,
)
