"""`aukit bench`: what it measures, and what it says where it cannot."""

from __future__ import annotations

import json
import math

import pytest
import torch

from aukit.bench.clock import WARM_STEPS, Clock, Enough, StepClock
from aukit.cli.main import main


def test_measures_are_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    stages = ["--stage", "rasterize", "--stage", "score"]
    code = main(["bench", "--device", "cpu", *stages, "--rounds", "1", "--json"])
    rows = json.loads(capsys.readouterr().out)["cpu"]
    assert code == 0
    assert {row["stage"] for row in rows} == {"rasterize", "score"}
    assert all(row["ms"] > 0 and row["ratio"] > 0 and not row["note"] for row in rows)


def test_no_round_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--rounds", "0"]) != 0
    assert "at least one" in capsys.readouterr().err


def test_steps_are_measured_after_the_first_and_the_fit_is_ended() -> None:
    steps = StepClock(Clock("cpu"), 2)
    bar = steps.start("fit")
    for _ in range(WARM_STEPS + 1):
        bar.advance()
        torch.rand(200, 200) @ torch.rand(200, 200)
    assert math.isnan(steps.seconds)
    with pytest.raises(Enough):
        bar.advance()
    assert 0 < steps.seconds < 1
