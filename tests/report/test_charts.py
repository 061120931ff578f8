"""Charts draw what they are given."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aukit.report import charts, svg
from aukit.report.charts import Series
from aukit.report.heat_maps import heat_map


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_round_inside_and_few(low: float, width: float) -> None:
    ticks = svg.ticks_of((low, low + width))
    assert 1 <= len(ticks) <= 11
    slack = width * 1e-6
    assert low - slack <= ticks[0]
    assert ticks[-1] <= low + width + slack
    assert ticks == sorted(ticks)


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.25, "0.25"), (999, "999"), (1500, "1.5k"), (2e6, "2M")]
)
def test_compact_numbers(value: float, text: str) -> None:
    assert svg.compact(value) == text


def test_steps_have_whole_ticks() -> None:
    assert svg.ticks_of((0, 1), least=1.0) == [0, 1]
    chart = charts.lines([Series("loss", [0, 1], [1.0, 2.0])], "t", "step")
    marks = re.findall(r'class="tick middle"[^>]*>([^<]*)<', chart)
    assert marks == ["0", "1"]


def heights(chart: str, style: str) -> list[float]:
    return [
        float(h) for h in re.findall(rf'rect class="fill {style}"[^>]*height="([\d.]+)"', chart)
    ]


def test_bars_grow_with_the_count_on_a_logarithmic_axis_and_zero_has_none() -> None:
    chart = charts.bars(["0", "1", "2", "3"], [("n", [1000, 10, 1, 0])], "t", "level")
    thousand, ten, one = heights(chart, "s1")
    assert thousand == pytest.approx(3 * ten, rel=0.01)
    assert 1 <= one < ten
    assert "n, 0: 1,000" in chart


def test_lines_break_at_gaps_and_rise_with_values() -> None:
    series = Series("a", [0, 1, 2, 3], [0.0, math.nan, 1.0, 2.0])
    chart = charts.lines([series], "t", "step", y_range=(0, 2))
    (path,) = re.findall(r'class="stroke s1" d="([^"]*)"', chart)
    assert path.count("M") == 2
    assert path.count("L") == 1
    first, _, last = (float(y) for y in re.findall(r" ([\d.]+)", path))
    assert first == svg.HEIGHT - 34
    assert last == 8


def test_heat_map_is_dark_where_the_share_is_large_and_empty_where_unknown() -> None:
    chart = heat_map([[1.0, 0.0], [math.nan, math.nan]], ["0", "1"], "t", "x", "y")
    drawing = ET.fromstring(chart)
    opacities = [rect.get("fill-opacity") for rect in drawing.iter("rect")]
    assert opacities == ["1.00", "0.06", None, None]
    assert "y 0, x 0: 100%" in chart


def test_a_whisker_stays_inside_its_cell() -> None:
    chart = charts.whisker(0.5, -3.0, 9.0, (0.0, 1.0))
    ends = [float(x) for x in re.findall(r'x[12]="([-\d.]+)"', chart)]
    assert min(ends) >= 4
    assert max(ends) <= 116
    assert "whisker" not in charts.whisker(0.5, None, None, (0.0, 1.0))
