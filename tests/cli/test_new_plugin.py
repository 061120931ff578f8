"""`aukit plugins new`: short packages that keep their contract, and checks of all a plugin has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aukit.cli.main import main
from aukit.cli.new_plugin import STARTS
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.vision.registered import points_of

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("kind", STARTS)
def test_a_new_package_is_short_and_passes_its_own_test(kind: str, tmp_path: Path) -> None:
    assert main(["plugins", "new", kind, "my-own", "-o", str(tmp_path)]) == 0
    folder = tmp_path / "aukit-my-own"
    sources = [folder / "src/aukit_my_own" / name for name in ("plugin.py", "method.py")]
    lines = [line for path in sources for line in path.read_text().splitlines() if line.strip()]
    assert len(lines) < 45
    assert max(len(path.read_text().splitlines()) for path in sources) < 40
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(folder / "src")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


def test_nothing_is_overwritten_and_bad_names_are_refused(tmp_path: Path, capsys: Capture) -> None:
    line = ["plugins", "new", "aligner", "mine", "-o", str(tmp_path)]
    assert main(line) == 0
    assert main(line) == 2
    assert main(["plugins", "new", "aligner", "No Name", "-o", str(tmp_path)]) == 2
    assert main(["plugins", "new", "synth", "mine", "-o", str(tmp_path)]) == 2
    assert "there are templates for aligner" in capsys.readouterr().err


SOURCE = """
import click
from aukit.hooks import hookimpl

@click.command()
def silent():
    pass

@hookimpl
def aukit_commands():
    return {"silent": ("watching:silent", "does nothing")}

@hookimpl
def aukit_scalars(run, values):
    raise ValueError(f"cannot write {sorted(values)}")
"""


def test_commands_and_observers_are_checked_too(
    distribute: Callable[..., Path], capsys: Capture
) -> None:
    distribute("aukit-watching", {"watching": SOURCE})
    assert main(["plugins", "check", "aukit-watching", "--json"]) == 1
    checks = {check["check"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert "has no help text" in checks["command silent"]["reason"]
    assert "cannot write ['loss']" in checks["observer aukit_scalars"]["reason"]
    assert main(["plugins", "check", "aukit-watching"]) == 1
    assert "to do   read aukit.hooks" in capsys.readouterr().out


def test_points_of_faces_or_the_reason() -> None:
    nobody = Faces(torch.zeros(0, 4), torch.zeros(0), {})
    marks = torch.rand(1, 68, 3)
    found = Faces(torch.zeros(1, 4), torch.ones(1), {IBUG68: marks})
    lost = Faces(torch.zeros(1, 4), torch.ones(1), {IBUG68: torch.full((1, 68, 2), torch.nan)})
    points, reasons = points_of([nobody, found, lost])
    assert reasons == ("no face", None, "landmarks not finite")
    assert torch.equal(points[1], marks[0, :, :2])
    assert points.isfinite().all()
