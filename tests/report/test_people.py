"""The section of people."""

from __future__ import annotations

from typing import Any

import pytest

from aukit.report.people import MOST_ROWS, people_section

TITLES = {"icc": "ICC", "mae": "MAE"}


def scores(values: list[float | None]) -> dict[str, Any]:
    def entry(value: float | None) -> dict[str, Any]:
        return {"frames": 1200, "mean": {"icc": {"value": value}, "mae": {"value": 1.0}}}

    people = {f"a/test/p{place}": entry(value) for place, value in enumerate(values)}
    return {"mean": {"icc": {"value": 0.5}, "mae": {"value": 1.0}}, "people": people}


def test_people_stand_in_the_order_of_the_first_score() -> None:
    section = people_section(scores([0.5, -0.25, 0.75]), TITLES)
    assert section is not None
    assert section.columns == ["person", "frames", "ICC", "MAE"]
    assert [row[0] for row in section.rows] == ["p1", "p0", "p2"]
    assert section.rows[0] == ["p1", "1,200", "-0.250", "1.000"]
    assert len(section.figures) == 1


def test_undefined_people_are_counted_not_drawn() -> None:
    section = people_section(scores([0.5, None, 0.75, None]), TITLES)
    assert section is not None
    assert [row[0] for row in section.rows] == ["p0", "p2"]
    assert "undefined for 2 of 4 people" in section.note


@pytest.mark.parametrize("count", [MOST_ROWS, MOST_ROWS + 1, 5000])
def test_the_table_holds_both_ends_of_many_people(count: int) -> None:
    section = people_section(scores([place / count for place in range(count)]), TITLES)
    assert section is not None
    assert len(section.rows) == MOST_ROWS
    assert section.rows[0][0] == "p0"
    assert section.rows[-1][0] == f"p{count - 1}"
    assert ("lowest and" in section.note) == (count > MOST_ROWS)
    assert len(section.figures[0].chart) < 20_000


def test_nobody_or_one_person_has_no_chart() -> None:
    assert people_section({"mean": {}}, TITLES) is None
    section = people_section(scores([0.5]), TITLES)
    assert section is not None
    assert not section.figures
    assert not section.legend
    alone = people_section(scores([None]), TITLES)
    assert alone is not None
    assert alone.rows == []
