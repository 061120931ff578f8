"""Runs with a synthesizer through the command line: what is painted, shown, resumed and refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aukit.cli.main import main
from aukit.data.records import SYNTHETIC
from aukit.runs.results import read_stages
from aukit.vision.images import read

TINY = Path(__file__).parent / "tiny_plugin.py"
SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre", "synth": "tint",
    "data.people": 2, "data.frames": 24, "balancer.per_level": 4, "draws": 50, "card": 0,
    "executor": "inline", "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125,
    "estimator.epochs": 1,
    "estimator.ticks": 1,
}  # fmt: skip
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def tiny(distribute: Callable[..., Path]) -> None:
    """The tiny components as an installed distribution, in child processes too."""
    source = TINY.read_text(encoding="utf-8")
    distribute("tiny-faces", {"tiny_of_synthesis": source}, version="0.1")


def command(output: Path, **changes: object) -> list[str]:
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    pairs = [(f"--{key}", str(value)) for key, value in settings.items() if value is not None]
    return ["run", "-o", str(output), *(word for pair in pairs for word in pair)]


def stages_of(output: Path) -> dict[str, Path]:
    (folder,) = output.glob("0001-*")
    return {label: result.folder for label, result in read_stages(folder).items()}


def test_a_synthesizer_brings_semantic_resampling_with_it(tmp_path: Path) -> None:
    assert main(command(tmp_path)) == 0
    (folder,) = tmp_path.glob("0001-*")
    text = (folder / "run.toml").read_text()
    assert 'name = "aukit-facs/semantic"  # default (with synth)' in text
    assert tomllib.loads(text)["balancer"]["per_level"] == 4
    plan = pq.read_table(folder / "plan.parquet")
    assert set(plan["origin"].to_pylist()) == {SYNTHETIC}
    made = pq.read_table(stages_of(tmp_path)["synthesize"] / "part-00000.parquet").to_pylist()
    sources = dict(zip(plan["source"].to_pylist(), plan.to_pylist(), strict=True))
    assert {row["parent"] for row in made} <= set(sources)
    assert {row["partition"] for row in made} == {"train"}
    assert all(row["seed"] is not None for row in made)


def test_previews_show_validation_people_and_the_truth(tmp_path: Path) -> None:
    assert main(command(tmp_path)) == 0
    grids = sorted((stages_of(tmp_path)["fit-synth"] / "training" / "previews").iterdir())
    assert [path.name for path in grids] == ["00000004.png", "00000008.png", "00000012.png"]
    picture = read(grids[-1]).image
    assert picture is not None
    rows = 2 * 2 * 2  # people, AUs, painted and true
    assert picture.shape[1] == rows * (112 + 4 + 14) + 4
    (folder,) = tmp_path.glob("0001-*")
    report = (folder / "report.html").read_text()
    assert "Synthesizer previews" in report
    assert "step 12" in report


def started(output: Path, **changes: object) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-m", "aukit.cli.main", *command(output, **changes)]
    return subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def kill_when(process: subprocess.Popen[bytes], output: Path, pattern: str) -> None:
    deadline = time.monotonic() + 120
    while not list(output.glob(pattern)):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_a_run_killed_in_the_fit_and_in_the_painting_ends_with_the_same_bytes(
    tmp_path: Path,
) -> None:
    settings = {"synth__pause": 0.02, "balancer__per_level": 120}
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert started(whole, **settings).wait(240) == 0
    checkpoint = ".stages/.fit-synth-*.partial/training/checkpoint.safetensors"
    kill_when(started(killed, **settings), killed, checkpoint)
    assert not list(killed.glob(".stages/fit-synth-*"))
    kill_when(started(killed, **settings), killed, ".stages/.synthesize-*.partial/part-00000.*")
    assert not list(killed.glob(".stages/synthesize-*"))
    assert not list(killed.glob("0*/scores.json"))

    assert started(killed, **settings).wait(240) == 0
    ours, theirs = stages_of(whole), stages_of(killed)
    files = [
        *(("fit-synth", f"model/{name}") for name in ("model.safetensors", "card.json")),
        ("fit-synth", "training/scalars.jsonl"),
        *(("fit-synth", f"training/previews/{step:08d}.png") for step in (4, 8, 12)),
        *(("synthesize", f"part-{number:05d}.parquet") for number in range(2)),
        ("predict", "predictions.parquet"),
    ]
    for stage, name in files:
        assert (ours[stage] / name).read_bytes() == (theirs[stage] / name).read_bytes(), name
    assert len(list(ours["synthesize"].glob("part-*"))) == 2
    scores = [next(output.glob("0001-*/scores.json")).read_bytes() for output in (whole, killed)]
    assert scores[0] == scores[1]


def test_a_synthesizer_alone_is_found_by_a_later_run(tmp_path: Path, capsys: Capture) -> None:
    words = command(tmp_path)
    kept = [
        pair
        for pair in zip(words[3::2], words[4::2], strict=True)
        if not pair[0].startswith(("--estimator", "--balancer"))
    ]
    alone = ["fit", "synth", *words[1:3], *(word for pair in kept for word in pair)]
    assert main([*alone, "--json"]) == 0
    folder = Path(json.loads(capsys.readouterr().out)["run"])
    assert folder.name == "0001-fit-synth-centre-tint-drawn"
    assert not list(folder.glob("scores.json"))
    assert set(stages_of(tmp_path)) == {
        "index-valid", "align-valid", "index-synth-fit", "align-synth-fit", "fit-synth",
    }  # fmt: skip
    face = tmp_path / "face.png"
    table = pq.read_table(stages_of(tmp_path)["align-valid"] / "part-00000.parquet")
    face.write_bytes(table["image"][0].as_py())
    edit = ["edit", str(face), "--aligned", "--synth", str(folder), "--au", "12=4"]
    assert main([*edit, "-o", str(tmp_path / "edited.png")]) == 0

    assert main(command(tmp_path)) == 0
    (later,) = tmp_path.glob("0002-*")
    lines = map(json.loads, (later / "events.jsonl").read_text().splitlines())
    assert {"found"} == {line["event"] for line in lines if line["stage"] == "fit-synth"}


def test_a_synthesizer_alone_must_be_named(tmp_path: Path, capsys: Capture) -> None:
    assert main(["fit", "synth", "-o", str(tmp_path), "--data", "drawn"]) == 2
    assert "no synthesizer is chosen" in capsys.readouterr().err


def test_a_fit_that_diverges_leaves_no_model(tmp_path: Path, capsys: Capture) -> None:
    assert main(command(tmp_path, synth__rate=1e30)) == 5
    assert "the training diverged" in capsys.readouterr().err
    assert not list(tmp_path.glob(".stages/fit-synth-*"))
    assert not list(tmp_path.rglob("model.safetensors"))
    (folder,) = tmp_path.glob("0001-*")
    assert json.loads((folder / "state.json").read_text())["state"] == "failed"


def test_a_checkpoint_cut_in_half_is_told(tmp_path: Path, capsys: Capture) -> None:
    process = started(tmp_path, synth__pause=0.05)
    pattern = ".stages/.fit-synth-*.partial/training/checkpoint.safetensors"
    kill_when(process, tmp_path, pattern)
    (path,) = tmp_path.glob(pattern)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert main(command(tmp_path, synth__pause=0.05)) == 4
    told = capsys.readouterr().err
    assert "cannot continue from checkpoint" in told
    assert "delete it to restart this stage" in told
    path.unlink()
    assert main(command(tmp_path, synth__pause=0.05)) == 0


def test_semantic_without_a_synthesizer_is_one_error(tmp_path: Path, capsys: Capture) -> None:
    assert main(command(tmp_path, synth=None, balancer="semantic")) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "balancer 'semantic' needs a synth, but none is chosen" in told
    assert "--synth NAME" in told
    assert not list(tmp_path.glob("0*"))


def test_faces_aligned_otherwise_are_refused_before_the_fit(
    tmp_path: Path, capsys: Capture
) -> None:
    other = {"synth-paint__aligner": "2d", "synth-paint__aligner.size": 48}
    assert main(command(tmp_path, **other)) == 4
    told = " ".join(capsys.readouterr().err.split())
    assert "the faces of synth-fit and synth-paint are aligned differently" in told
    assert "aligner centre / procrustes" in told
    assert not list(tmp_path.glob(".stages/*fit-synth*"))
