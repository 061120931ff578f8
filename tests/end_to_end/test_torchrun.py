"""`aukit run` in two processes that torchrun starts: process 0 runs it, both fit."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from aukit.cli.main import main
from aukit.runs.folder import read_state
from aukit.runs.results import read_stages

TINY = Path(__file__).parent / "tiny_plugin.py"
SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre",
    "data.people": 2, "data.frames": 12, "balancer.per-level": 2, "draws": 20, "card": 0,
    "executor": "inline", "yardstick": "none", "estimator": "vgg16", "estimator.size": 32,
    "estimator.width": 0.125,
    "estimator.epochs": 1, "estimator.ticks": 1, "estimator.batch": 8, "synth": "ganimation",
    "synth.size": 16, "synth.width": 4, "synth.blocks": 1, "synth.depth": 2,
    "synth.critic-width": 4, "synth.batch": 6, "synth.epochs": 1, "synth.decay-epochs": 1,
    "synth.pairs": 0, "synth.l-ids": 0,
}  # fmt: skip


@pytest.fixture(autouse=True)
def tiny(distribute: Callable[..., Path]) -> None:
    """The tiny components as an installed distribution."""
    distribute("tiny-faces", {"tiny_under_torchrun": TINY.read_text(encoding="utf-8")})


def options(**changes: object) -> list[str]:
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    return [word for key, value in settings.items() for word in (f"--{key}", str(value))]


def together(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "aukit"]
    call = [sys.executable, *launch, *arguments]
    return subprocess.run(call, capture_output=True, text=True, timeout=600)


def stages(output: Path) -> dict[str, Path]:
    (folder,) = output.glob("0*")
    return {label: result.folder for label, result in read_stages(folder).items()}


def test_two_processes_run_as_one(tmp_path: Path) -> None:
    """Only process 0 registers and speaks; what both fit is what one fits."""
    alone, both = tmp_path / "alone", tmp_path / "both"
    done = together(["run", "-o", str(both), *options()])
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("report  ") == 1
    assert main(["run", "-o", str(alone), *options()]) == 0
    expected, found = stages(alone), stages(both)
    assert {label: place.name for label, place in found.items()} == {
        label: place.name for label, place in expected.items()
    }
    faces = "part-00000.parquet"
    for label in (label for label in found if label.startswith("align-")):
        assert (found[label] / faces).read_bytes() == (expected[label] / faces).read_bytes()
    learned = [load_file(p["fit-synth"] / "model/model.safetensors") for p in (expected, found)]
    one, two = (torch.cat([values.flatten() for values in each.values()]) for each in learned)
    # A tenth of one step of Adam. Not the largest difference: Adam makes a whole step of a
    # gradient that is almost 0, and sums in another order change its sign.
    assert (one - two).abs().median() < 1e-4
    (run,) = both.glob("0*")
    events = [json.loads(text) for text in (run / "events.jsonl").read_text().splitlines()]
    started = [event["stage"] for event in events if event["event"] == "started"]
    assert len(started) == len(set(started))
    assert {"align-test", "fit-synth", "synthesize", "fit-estimator", "predict"} <= set(started)


HALF = """
from dataclasses import dataclass
import torch
from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.machine.processes import distributed, rank

@dataclass(frozen=True)
class NoConfig:
    pass

class Half:
    def __init__(self, config, context):
        pass

    def fit(self, faces, session):
        with distributed(session.device):
            if rank() == 1:
                raise ValueError("out of paint")
            torch.distributed.barrier()

    def synthesize(self, faces, targets, seeds):
        return faces.images

    def save(self, folder):
        pass

    load = save

@hookimpl
def aukit_synthesizers():
    factory = f"{__name__}:Half"
    return [Component("synth", "half", factory, NoConfig, "fails in process 1")]
"""


def test_a_failure_of_one_process_is_told_once(
    tmp_path: Path, distribute: Callable[..., Path]
) -> None:
    distribute("half-a-synth", {"half_a_synth": HALF})
    words = ["--preset", "quick", "--device", "cpu", "--data", "drawn", "--data.frames", "12"]
    words += ["--aligner", "centre", "--executor", "inline", "--synth", "half"]
    done = together(["fit", "synth", "-o", str(tmp_path / "runs"), *words])
    assert done.returncode == 1  # torchrun's own
    (told,) = (text for text in done.stderr.splitlines() if text.startswith("error: "))
    assert "half" in told
    assert "ValueError: out of paint" in told
    (run,) = (tmp_path / "runs").glob("0*")
    state = read_state(run)
    assert state["state"] == "failed"
    assert "process 1 failed: ValueError: out of paint" in state["error"]
