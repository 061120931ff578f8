"""The page about estimates of anybody's photos and videos."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from aukit.report.estimates import POINTS, EstimatesPage, binned, write_estimates_page


def test_everything_is_on_the_page_and_nothing_is_run(
    estimates: EstimatesPage, tmp_path: Path
) -> None:
    write_estimates_page(estimates, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert text.count("<script") == 1  # the page's own
    for said in ("2,800 frames with an estimate, of 3,000.", "no face", "# Card", "AU45 blink"):
        assert said in text, said
    assert len(re.findall("<svg", text)) == 2
    assert "<h2>Scores of the model</h2>" not in text  # of another form than a run's


@pytest.mark.parametrize("count", [1, 7, POINTS, POINTS + 1, 5003])
def test_bins_hold_the_mean_and_both_ends(count: int) -> None:
    random = np.random.default_rng(count)
    values = random.random(count)
    values[random.random(count) < 0.3] = np.nan
    seconds = np.arange(count) / 25
    x, mean, low, high = binned(seconds, values, POINTS)
    size = -(-count // POINTS)
    parts = [values[start : start + size] for start in range(0, count, size)]
    assert len(x) == len(parts) <= POINTS
    for place, part in enumerate(parts):
        known = part[np.isfinite(part)]
        found = (mean[place], low[place], high[place])
        expected = (known.mean(), known.min(), known.max()) if len(known) else (np.nan,) * 3
        np.testing.assert_allclose(found, expected)
        assert x[place] == seconds[place * size]
