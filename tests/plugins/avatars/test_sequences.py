"""Tasks over time: smooth, plausible and as skewed as spontaneous corpora."""

from __future__ import annotations

import numpy as np
import pytest

from aukit_avatars.actions import AUS
from aukit_avatars.sequences import EXPRESSIONS, TASKS, Sequence, perform

RARE = ("AU01", "AU02", "AU04", "AU05", "AU09", "AU15", "AU17", "AU20", "AU23", "AU24", "AU28")
# What the documentation promises: percent of frames without the AU.
ABSENT = {"AU01": 91, "AU04": 93, "AU06": 54, "AU10": 48, "AU12": 48, "AU14": 55, "AU17": 87}


@pytest.fixture(scope="module")
def corpus() -> np.ndarray:
    return np.concatenate(
        [perform(0, f"p{k}", task, 120, 6.0).levels for k in range(41) for task in TASKS]
    )


def test_every_expression_uses_known_aus_and_every_au_occurs() -> None:
    used = {au for shares in EXPRESSIONS.values() for au in shares}
    assert used == set(AUS) - {"AU45"}
    performed = {name for rates in TASKS.values() for name in rates}
    assert performed == set(EXPRESSIONS)


def test_a_sequence_depends_on_its_name_only() -> None:
    first, again = (perform(3, "train/F001", "T1", 50, 5.0) for _ in range(2))
    assert np.array_equal(first.activation, again.activation)
    assert np.array_equal(first.angles, again.angles)
    other = perform(3, "train/F002", "T1", 50, 5.0)
    assert not np.array_equal(first.activation, other.activation)
    elsewhere = perform(3, "train/F001", "T1", 50, 5.0, domain="b")
    assert not np.array_equal(first.activation, elsewhere.activation)


def test_motion_is_smooth_at_video_rate() -> None:
    sequence = perform(0, "p", "T1", 600, 25.0)
    step = np.abs(np.diff(sequence.activation, axis=0)).max(0)
    blink = AUS.index("AU45")
    assert np.delete(step, blink).max() < 1.2
    assert step[blink] < 3
    assert np.abs(np.diff(sequence.angles, axis=0)).max() < 1.5
    assert np.abs(sequence.angles).max() < 20


def test_levels_are_the_rounded_activation() -> None:
    sequence = perform(0, "p", "T6", 200, 10.0)
    assert set(np.unique(sequence.levels)) <= {0, 1, 2, 3, 4, 5}
    assert np.abs(sequence.levels - sequence.activation).max() <= 0.5
    assert isinstance(sequence, Sequence)


def test_severe_and_maximal_levels_of_rare_aus_stay_below_one_percent(corpus: np.ndarray) -> None:
    for au in RARE:
        column = corpus[:, AUS.index(au)]
        assert (column >= 4).mean() < 0.01, au
        assert (column > 0).mean() > 0.001, au


@pytest.mark.parametrize(("au", "percent"), ABSENT.items())
def test_base_rates_are_as_documented(corpus: np.ndarray, au: str, percent: int) -> None:
    absent = 100 * (corpus[:, AUS.index(au)] == 0).mean()
    assert absent == pytest.approx(percent, abs=6)


@pytest.mark.parametrize(
    ("one", "other"), [("AU06", "AU12"), ("AU01", "AU02"), ("AU25", "AU26"), ("AU09", "AU10"),
                       ("AU15", "AU17"), ("AU04", "AU07")],
)  # fmt: skip
def test_companions_occur_together(corpus: np.ndarray, one: str, other: str) -> None:
    first, second = corpus[:, AUS.index(one)] > 0, corpus[:, AUS.index(other)] > 0
    assert (first & second).mean() > 1.3 * first.mean() * second.mean()


def test_a_dropped_jaw_parts_the_lips(corpus: np.ndarray) -> None:
    jaw, lips = corpus[:, AUS.index("AU26")], corpus[:, AUS.index("AU25")]
    assert (lips[jaw >= 2] > 0).mean() > 0.97


def test_lively_rates_show_more_of_what_is_rare(corpus: np.ndarray) -> None:
    lively = np.concatenate(
        [
            perform(0, f"p{k}", task, 120, 6.0, lively=True).levels
            for k in range(10)
            for task in TASKS
        ]
    )
    for au in ("AU01", "AU04", "AU09", "AU15", "AU20"):
        column = AUS.index(au)
        assert (lively[:, column] > 0).mean() > 1.8 * (corpus[:, column] > 0).mean(), au
        assert (lively[:, column] >= 4).mean() > (corpus[:, column] >= 4).mean(), au
    smile = AUS.index("AU12")
    assert (lively[:, smile] > 0).mean() < (corpus[:, smile] > 0).mean()


def test_only_version_2_raises_the_upper_lip_over_closed_lips() -> None:
    lip, parted, jaw = (AUS.index(au) for au in ("AU10", "AU25", "AU26"))
    closed = []
    for version in (1, 2):
        names = [f"p{k}" for k in range(30)]
        takes = [perform(0, who, task, 60, 2.0, version=version) for who in names for task in TASKS]
        levels = np.concatenate([take.levels for take in takes])
        raised = levels[levels[:, lip] >= 3]
        closed.append(float(((raised[:, parted] == 0) & (raised[:, jaw] == 0)).mean()))
    assert closed[0] < 0.02
    assert 0.25 < closed[1] < 0.5
