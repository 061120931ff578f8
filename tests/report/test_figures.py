"""Numbers behind the charts."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.metrics

from aukit.report import ReportData, figures


def test_confusion_equals_sklearn() -> None:
    random = np.random.default_rng(0)
    truth, level = random.integers(0, 6, 500), random.integers(0, 6, 500)
    expected = sklearn.metrics.confusion_matrix(
        truth, level, labels=list(range(6)), normalize="true"
    )
    found = figures.confusion(truth.astype(float), level.astype(float))
    assert found == pytest.approx(expected)


def test_confusion_leaves_uncoded_frames_out_and_unseen_levels_undefined() -> None:
    shares = figures.confusion(np.array([0.0, np.nan, 2.4]), np.array([0.0, 5.0, 3.0]))
    assert shares[0, 0] == 1
    assert shares[2, 3] == 1
    assert np.isnan(shares[[1, 3, 4, 5]]).all()


def test_timelines_show_several_people_and_what_changes(full: ReportData) -> None:
    assert full.predictions is not None
    shown = figures.timelines(full.predictions, figures.Estimates.of(full.predictions))
    people = {figure.caption.split(" · ")[0] for figure in shown}
    assert len(people) == figures.SEQUENCES
    assert len(shown) == figures.SEQUENCES * figures.UNITS_A_SEQUENCE
    assert all("seconds" in figure.chart for figure in shown)


def test_long_lines_are_thinned() -> None:
    steps = list(range(100_000))
    (figure,) = figures.training([figures.Curve("fit", "loss", steps, [1.0] * 100_000)])
    assert len(figure.chart) < 20_000
