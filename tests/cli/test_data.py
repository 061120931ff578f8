"""`aukit data`: any dataset, through its contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas
import pytest
from PIL import Image

from aukit.cli.main import main

pytestmark = pytest.mark.usefixtures("tiny")


def test_info_counts_people_frames_and_levels(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["data", "info", "drawn", "--data.people", "3", "--data.frames", "22"]
    assert main([*line, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["frames"], found["people"]) == (3 * 3 * 22, 9)
    assert found["partitions"]["train"] == {"frames": 66, "people": 3, "tasks": 1, "views": 1}
    # Every eleventh frame is not coded for AU01, and counts at no level.
    assert sum(found["aus"]["AU01"]) == 3 * 3 * 20
    assert sum(found["aus"]["AU12"]) == 3 * 3 * 22
    assert main(line) == 0
    text = capsys.readouterr().out
    assert "AU12 lip corner puller" in text
    assert "test" in text


def test_sample_draws_a_contact_sheet(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    sheet = tmp_path / "new" / "sheet.png"
    line = ["data", "sample", "drawn", "-o", str(sheet), "--count", "10"]
    assert main([*line, "--data.broken", "3", "--partition", "test"]) == 0
    assert capsys.readouterr().out == f"{sheet}\n"
    with Image.open(sheet) as image:
        assert image.size == (8 * 164 + 4, 2 * (164 + 28) + 4)
        assert len(image.getcolors(1 << 20) or []) > 20


def test_a_partition_that_is_not_there_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = ["data", "sample", "drawn", "-o", str(tmp_path / "a.png"), "--partition", "dev"]
    assert main(line) == 2
    assert "'drawn' has no partition 'dev' (it has: test, train, valid)" in capsys.readouterr().err


def test_render_writes_frames_that_pandas_can_read_and_continues(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = ["data", "render", "drawn", "-o", str(tmp_path / "out"), "--data.broken", "9"]
    assert main(line) == 0
    parts = sorted((tmp_path / "out").glob("frames-*.parquet"))
    assert len(parts) == 6  # 720 frames, 128 a file
    frames = pandas.concat(pandas.read_parquet(part) for part in parts)
    assert len(frames) == 720
    assert frames["id"].is_unique
    bad = frames[frames.status == "dropped"]
    assert set(bad.reason) == {"unreadable picture"}
    assert bad.image.isna().all()
    good = frames[frames.status == "ok"]
    assert good.image.map(lambda content: content[:4] == b"\x89PNG").all()
    assert (good.landmarks.map(len) == 136).all()
    assert {"AU01", "AU12", "subject", "partition"} <= set(frames.columns)

    second = parts[1].stat().st_mtime_ns
    before = parts[0].read_bytes()
    parts[0].unlink()
    assert main(line) == 0
    assert parts[0].read_bytes() == before
    assert parts[1].stat().st_mtime_ns == second

    assert main([*line, "--limit", "5"]) == 2
    assert "holds frames with other settings" in capsys.readouterr().err


def test_a_dataset_that_raises_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = ["data", "sample", "drawn", "-o", str(tmp_path / "a.png"), "--data.fail-at", "0"]
    assert main(line) == 5
    assert "data 'drawn' (tiny-faces 0.1) failed in stage read" in capsys.readouterr().err
    assert not list(tmp_path.glob("*.png"))


ADDED = """
import click
from aukit.hooks import hookimpl

@hookimpl
def aukit_commands():
    return {"data sweep": ("sweeper:sweep", "Sweep."), "data info": ("sweeper:sweep", "Not ours.")}

@click.command()
def sweep():
    click.echo("swept")
"""


def test_plugins_add_commands_and_replace_none(
    distribute: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    distribute("sweeper-dist", {"sweeper": ADDED})
    assert main(["data", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Sweep." in text
    assert "sweeper-dist/info" in text
    assert main(["data", "sweep"]) == 0
    assert capsys.readouterr().out == "swept\n"
    assert main(["--help"]) == 0
    assert "sweep" not in capsys.readouterr().out


def test_check_counts_any_dataset(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    line = ["data", "check", "drawn", "--data.people", "2", "--data.broken", "5", "--json"]
    assert main([*line, "--decode", "10"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {what: here for what, here, _ in found["counts"]}["people"] == 6
    assert [(one["weight"], one["what"]) for one in found["findings"]] == [
        ("warning", "no picture: unreadable picture")
    ]
    assert found["usable"] is True
    assert main([*line, "--write-manifest", str(tmp_path / "a.json")]) == 2
    assert "does not list its files" in capsys.readouterr().err
