"""The tables of a comparison, from a document made by hand."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from aukit.comparison.files import escaped, latex, markdown, table_csv
from aukit.comparison.tables import overview, units, verdict


def entry(value: float | None, low: float | None = None, high: float | None = None) -> Any:
    return {"value": value, "low": low, "high": high, "spread": None}


def cell(label: str, icc: float | None, difference: Any = None, **changes: Any) -> dict[str, Any]:
    scores = None if icc is None else {u: {"icc": entry(icc, 0.1, 0.9)} for u in ("mean", "AU01")}
    found = {
        "label": label,
        "choices": {"aligner": label},
        "status": "failed" if icc is None else "finished",
        "scores": scores,
        "frames": 1200,
        "difference": difference and {"mean": {"icc": difference}},
        "compared": {"frames": 1200, "left_out": 0, "left_out_of_baseline": 0},
        "published": {},
        "cost": {"wall_s": 61.4, "cpu_s": None, "alone_s": 90.0, "gpu_h": None},
    }
    return {**found, **changes}


def document(*cells: dict[str, Any]) -> dict[str, Any]:
    return {
        "title": "A | B",
        "command": "aukit compare",
        "baseline": cells[0]["label"],
        "axes": ["aligner"],
        "metrics": ["icc"],
        "lower_is_better": [],
        "published_metric": "icc",
        "aus": ["AU01"],
        "cells": list(cells),
        "notes": ["3d: something"],
    }


def texts(row: Any) -> list[str]:
    return [one.text for one in row]


def test_a_row_has_scores_difference_and_cost() -> None:
    made = overview(document(cell("2d", 0.5), cell("3d", 0.6, entry(0.1, 0.02, 0.2))))
    assert made.columns == [
        "aligner", "mean ICC", "ICC to baseline", "verdict", "frames", "wall s", "alone s"
    ]  # fmt: skip
    assert texts(made.rows[0]) == [
        "2d",
        "0.500 [0.100, 0.900]",
        "baseline",
        "",
        "1,200",
        "61",
        "90",
    ]
    assert texts(made.rows[1])[2:4] == ["+0.100 [+0.020, +0.200]", "better"]
    assert [row[1].best for row in made.rows] == [False, True]


def test_nothing_is_best_of_cells_that_were_tested_on_other_faces() -> None:
    apart = {"frames": 0, "left_out": 9, "left_out_of_baseline": 9}
    made = overview(document(cell("2d", 0.5), cell("3d", 0.6, compared=apart)))
    assert not any(one.best for row in made.rows for one in row)


def test_equal_scores_are_not_marked() -> None:
    made = overview(document(cell("2d", 0.5), cell("3d", 0.5)))
    assert not any(one.best for row in made.rows for one in row)


def test_a_failed_cell_keeps_its_row() -> None:
    made = overview(document(cell("2d", 0.5), cell("3d", None)))
    assert texts(made.rows[1])[:2] == ["3d", "failed"]
    assert len(made.rows[1]) == len(made.columns)
    assert [*units(document(cell("2d", 0.5), cell("3d", None)), "icc").columns] == ["AU", "2d"]


def test_published_numbers_stand_beside() -> None:
    made = document(cell("2d", 0.5, published={"mean": 0.506, "AU01": 0.431}), cell("3d", 0.6))
    assert overview(made).columns[2] == "published"
    assert texts(overview(made).rows[0])[2] == "0.506"
    assert texts(overview(made).rows[1])[2] == "–"
    assert texts(units(made, "icc").rows[0]) == [
        "AU01", "0.500 [0.100, 0.900]", "0.431", "0.600 [0.100, 0.900]"
    ]  # fmt: skip


def test_a_published_zero_is_a_number() -> None:
    made = document(cell("2d", 0.5, published={"mean": 0.0}), cell("3d", 0.6))
    rows = list(csv.DictReader(io.StringIO(table_csv(made))))
    assert [row["published"] for row in rows] == ["0.0", "", "", ""]


@pytest.mark.parametrize(
    ("low", "high", "lower_is_better", "said"),
    [
        (0.1, 0.2, False, "better"),
        (0.1, 0.2, True, "worse"),
        (-0.2, -0.1, False, "worse"),
        (-0.2, -0.1, True, "better"),
        (-0.1, 0.2, False, "unclear"),
        (0.0, 0.2, False, "unclear"),
        (None, None, False, ""),
    ],
)
def test_better_is_said_only_where_the_interval_excludes_0(
    low: float | None, high: float | None, lower_is_better: bool, said: str
) -> None:
    assert verdict(entry(0.1, low, high), lower_is_better) == said


def test_markdown_and_latex_are_escaped() -> None:
    made = document(cell("a|b_%", 0.5), cell("3d", 0.6))
    assert "| a/b_% | 0.500 [0.100, 0.900] |" in markdown(made)
    assert r"a|b\_\% & 0.500 [0.100, 0.900] &" in latex(made)
    assert r"\textbf{0.600 [0.100, 0.900]}" in latex(made)
    assert escaped("a_b & 50 % – ~^\\{}") == (
        r"a\_b \& 50 \% -- \textasciitilde{}\textasciicircum{}\textbackslash{}\{\}"
    )
