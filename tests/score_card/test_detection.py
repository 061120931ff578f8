"""Presence in real and painted faces: against scikit-learn, and on sets whose gaps are known."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score
from torch import Tensor

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.contracts.labels import Labels
from aukit.report.card_rows import DETECTION_COLUMNS, detections
from aukit.score_card.detection import PRESENT, detection
from aukit.score_card.draws import Draws
from aukit.score_card.evidence import Evidence
from aukit.score_card.judges import Seat
from aukit.score_card.requests import NONE, Requests

AUS, COUNT = ("AU01", "AU12", "AU25"), 60


class Judge:
    """Tells two of the three AUs, in an order of its own."""

    measures = "intensity"
    names = ("AU12", "AU01")
    calibrated = True


SEAT = Seat("judge", Judge(), Choice(Component("judge", "j", "a:B", Choice, "j"), None))  # type: ignore[arg-type]


def evidence(real: Tensor, painted: Tensor, values: Tensor, mask: Tensor) -> Evidence:
    """Requests whose first five ask for single levels, and what a judge saw of them."""
    empty = torch.zeros(0, dtype=torch.int64)
    kind = torch.full((COUNT,), NONE)
    kind[:5] = 0
    requests = Requests(
        torch.arange(COUNT), Labels(AUS, values, mask), empty, kind, kind, kind, empty
    )
    unused: Any = {}
    people = [f"p{row % 6}" for row in range(COUNT)]
    return Evidence(
        requests, people, {"judge": painted}, None, {}, {"judge": real}, unused, [], None
    )


def drawn(seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    values = torch.randint(0, 6, (COUNT, 3), generator=random).float()
    mask = torch.rand((COUNT, 3), generator=random) < 0.8
    near = values[:, [1, 0]]
    real = near + torch.randn((COUNT, 2), generator=random)
    painted = near + 2 * torch.randn((COUNT, 2), generator=random)
    return real, painted, torch.where(mask, values, 0.0), mask


def test_scores_and_gaps_are_those_of_scikit_learn() -> None:
    real, painted, values, mask = drawn(0)
    painted[10, 0] = float("nan")  # unknown in one set: left out of both
    table = detection(SEAT, evidence(real, painted, values, mask), Draws(20, 0))
    assert table["threshold"] == PRESENT
    assert set(table) == {"threshold", "mean", "AU12", "AU01"}
    for au, column, place in (("AU01", 0, 1), ("AU12", 1, 0)):
        used = mask[:, column] & painted[:, place].isfinite()
        used[:5] = False
        truth = values[used, column] >= PRESENT
        for measure, formula in (("f1", f1_score), ("accuracy", accuracy_score)):
            expected = [formula(truth, seen[used, place] >= PRESENT) for seen in (real, painted)]
            found = {key: table[au][key][measure]["value"] for key in ("real", "painted", "gap")}
            assert found["real"] == pytest.approx(expected[0])
            assert found["painted"] == pytest.approx(expected[1])
            assert found["gap"] == pytest.approx(expected[0] - expected[1])
    mean = table["mean"]["gap"]["f1"]
    each = [table[au]["gap"]["f1"]["value"] for au in ("AU01", "AU12")]
    assert mean["value"] == pytest.approx(sum(each) / 2)
    assert mean["low"] <= mean["value"] <= mean["high"]


def test_faces_that_look_like_the_real_ones_have_no_gap() -> None:
    real, _, values, mask = drawn(1)
    table = detection(SEAT, evidence(real, real.clone(), values, mask), Draws(20, 0))
    assert table["mean"]["gap"]["f1"] == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_what_is_neither_present_nor_found_is_undefined() -> None:
    values, mask = torch.zeros(COUNT, 3), torch.ones(COUNT, 3, dtype=torch.bool)
    nothing = torch.zeros(COUNT, 2)
    table = detection(SEAT, evidence(nothing, nothing, values, mask), Draws(20, 0))
    assert table["AU01"]["painted"]["f1"]["value"] is None
    assert table["AU01"]["painted"]["accuracy"]["value"] == 1.0


def test_tables_show_the_mean_first_and_then_each_au() -> None:
    table = detection(SEAT, evidence(*drawn(2)), Draws(20, 0))
    (rows,) = detections({"detection": {"judge": table}}).values()
    assert [name for name, _ in rows] == [
        "mean",
        "AU01 inner brow raiser",
        "AU12 lip corner puller",
    ]
    assert all(len(cells) == len(DETECTION_COLUMNS) for _, cells in rows)
    assert rows[1][1][DETECTION_COLUMNS.index("accuracy gap")] == table["AU01"]["gap"]["accuracy"]
