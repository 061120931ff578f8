"""An interrupted `aukit predict` continues to the same bytes."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from predicting import Shown, call, predict, save_video, save_videos

from aukit.cli.main import main
from aukit.media import predict as engine


def test_a_kill_and_the_same_command_give_the_same_bytes(
    tiny: None, run: Path, shown: Shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aukit.faces import shards

    monkeypatch.setattr(shards, "CHUNK", 8)
    words = [*save_videos(tmp_path, shown), "--run", run]
    predict(tmp_path / "whole", *words)
    done = []

    def killed(*arguments: Any) -> Any:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(estimated(*arguments))
        return done[-1]

    estimated = engine.estimated
    monkeypatch.setattr(engine, "estimated", killed)
    assert call(tmp_path / "out", *words) != 0
    assert not (tmp_path / "out" / "predictions.parquet").exists()
    monkeypatch.setattr(engine, "estimated", lambda *a: done.append(0) or estimated(*a))
    predict(tmp_path / "out", *words)
    assert len(done) == 3  # of three shards, two were there
    for name in ("predictions.parquet", "predictions.csv"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_killed_command_goes_on_to_the_same_bytes(
    tiny: None, run: Path, shown: Shown, tmp_path: Path
) -> None:
    """SIGKILL between the shards of registered faces, through the command line."""
    frames = [shown["P00", frame % 12] for frame in range(200)]
    video = save_video(tmp_path / "long.mkv", frames)
    words = ["predict", str(video), "--run", str(run), "--device", "cpu", "--executor", "inline"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert main([*words, "-o", str(whole)]) == 0
    command = [sys.executable, "-m", "aukit.cli.main", *words, "-o", str(cut)]
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    work = cut / ".aukit" / "predict"
    while not list(work.glob("*/part-*.parquet")) and child.poll() is None:
        time.sleep(0.002)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert not (cut / "predictions.parquet").exists()
    before = {path: path.stat().st_mtime_ns for path in work.rglob("part-00000.parquet")}
    assert before
    assert main([*words, "-o", str(cut)]) == 0
    for name in ("predictions.parquet", "predictions.csv"):
        assert (cut / name).read_bytes() == (whole / name).read_bytes()
