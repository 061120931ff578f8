"""Levels of labels and how often they occur."""

from __future__ import annotations

import pyarrow as pa
import torch

from aukit.contracts.labels import Labels
from aukit.data.records import plan_schema
from aukit.statistics.levels import UNKNOWN, label_counts, level_uses, levels_of

AUS = ("AU01", "AU12")


def labels() -> Labels:
    values = torch.tensor([[0.0, 2.5], [0.4, 5.0], [1.5, 0.0]])
    mask = torch.tensor([[True, True], [True, True], [True, False]])
    return Labels(AUS, values, mask)


def test_halves_round_up_and_uncoded_is_unknown() -> None:
    assert levels_of(labels()).tolist() == [[0, 3], [0, 5], [2, UNKNOWN]]


def test_label_counts_leave_uncoded_frames_out() -> None:
    assert label_counts(labels()).tolist() == [[2, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 1]]


def test_level_uses_add_up_uses() -> None:
    rows = [("AU01", 0, 3), ("AU01", 0, 2), ("AU12", 5, 7)]
    plan = pa.Table.from_pylist(
        [
            {"training_set": name, "level": level, "origin": "real", "source": "f", "count": count}
            for name, level, count in rows
        ],
        schema=plan_schema(AUS),
    )
    counts = level_uses(plan, AUS)
    assert (counts[0, 0], counts[1, 5], counts.sum()) == (5, 7, 12)
