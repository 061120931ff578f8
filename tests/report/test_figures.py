"""Numbers behind the charts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sklearn.metrics

from aukit.report import Curve, ReportData, figures


def test_confusion_equals_sklearn() -> None:
    random = np.random.default_rng(0)
    truth, level = random.integers(0, 6, 500), random.integers(0, 6, 500)
    expected = sklearn.metrics.confusion_matrix(truth, level, labels=list(range(6)))
    assert (figures.confusion(truth.astype(float), level.astype(float)) == expected).all()


def test_confusion_leaves_uncoded_frames_out() -> None:
    counts = figures.confusion(np.array([0.0, np.nan, 2.4]), np.array([0.0, 5.0, 3.0]))
    assert counts.sum() == 2
    assert counts[0, 0] == 1
    assert counts[2, 3] == 1


def test_a_level_that_no_frame_has_is_empty_not_zero(full: ReportData) -> None:
    assert full.predictions is not None
    estimates = figures.Estimates.of(full.predictions)
    place = next(p for p in range(6) if not (estimates.truth[:, p] == 5).any())
    chart = figures.confusions(estimates)[place].chart
    assert chart.count('class="empty"') >= 6
    assert "true level 5" not in chart


def test_numbers_of_several_networks_share_a_chart() -> None:
    curves = [
        Curve("estimator", "loss", [0, 1], [2.0, 1.0], "AU01"),
        Curve("estimator", "loss", [0, 1], [3.0, 2.0], "AU12"),
        Curve("estimator", "icc", [1], [0.5], "AU12"),
        Curve("synthesizer", "loss", [0, 1], [math.nan, math.nan]),
    ]
    (group,) = figures.training(curves)
    assert group.legend == ("AU01", "AU12")
    assert [figure.caption for figure in group.figures] == ["loss", "icc"]
    assert "<title>AU12: 1 → 2</title>" in group.figures[0].chart
    # The second network's colour, though the first reports no such number.
    assert 'class="fill s2"' in group.figures[1].chart
    assert 'class="fill s1"' not in group.figures[1].chart


def test_a_single_network_needs_no_legend() -> None:
    (group,) = figures.training([Curve("estimator", "loss", [0, 1], [2.0, 1.0], "shared")])
    assert group.legend == ()


def test_long_lines_are_thinned() -> None:
    steps = list(range(100_000))
    (group,) = figures.training([Curve("fit", "loss", steps, [1.0] * 100_000)])
    assert len(group.figures[0].chart) < 20_000


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (["a/test/p1", "a/test/p2"], ["p1", "p2"]),
        (["a/test/p1", "a/train/p1"], ["test/p1", "train/p1"]),
        (["a/test/p1", "b/test/p1"], ["a/test/p1", "b/test/p1"]),
        (["a/test/p1"], ["p1"]),
        (["a/test/x/y", "a/test/x/z"], ["x/y", "x/z"]),
        ([], []),
    ],
)
def test_names_of_people_leave_out_what_all_share(keys: list[str], shown: list[str]) -> None:
    assert figures.short_names(keys) == dict(zip(keys, shown, strict=True))


def test_gaps_name_aus_that_are_never_coded_or_never_present() -> None:
    truth = np.array([[np.nan, 0.0, 0.4, 3.0]] * 3)
    estimates = figures.Estimates(("AU01", "AU04", "AU06", "AU12"), truth, truth, truth)
    first, *absent = figures.gaps(estimates)
    assert first.startswith("AU01 is coded in no scored frame")
    assert [line[:4] for line in absent] == ["AU04", "AU06"]
