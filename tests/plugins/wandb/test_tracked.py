"""Runs in the offline files of Weights & Biases, read back as it stores them."""

from __future__ import annotations

import json
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from aukit_wandb import plugin

pytest.importorskip("wandb")


class Told(SimpleNamespace):
    """As much of a run as the plugin sees."""

    folder: Path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in {"MODE": "offline", "SILENT": "true", "CONSOLE": "off"}.items():
        monkeypatch.setenv(f"WANDB_{name}", value)
    folder = tmp_path / "runs" / "0001-a-run"
    folder.mkdir(parents=True)
    rows = [("preset", '"quick"', "default")]
    return Told(folder=folder, config=SimpleNamespace(rows=lambda: iter(rows)))


BLOCK, HEADER, WHOLE, FIRST, LAST = 1 << 15, 7, 1, 2, 4


def payloads(content: bytes) -> Iterator[bytes]:
    """The entries of a log in LevelDB's format: blocks of chunks, an entry may span several."""
    position, entry = HEADER, b""
    while position + HEADER <= len(content):
        if BLOCK - position % BLOCK < HEADER:
            position += BLOCK - position % BLOCK
            continue
        length, kind = struct.unpack_from("<HB", content, position + 4)
        chunk = content[position + HEADER : position + HEADER + length]
        if len(chunk) < length:  # still being written
            return
        position += HEADER + length
        entry = chunk if kind in (WHOLE, FIRST) else entry + chunk
        if kind in (WHOLE, LAST):
            yield entry


def records(folder: Path) -> Iterator[Any]:
    """What the offline files of a run hold."""
    from wandb.proto import wandb_internal_pb2

    (path,) = folder.glob("wandb/offline-run-*/*.wandb")
    for entry in payloads(path.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(entry)
        yield record


def finished(folder: Path) -> list[Any]:
    """All records, once the process of Weights & Biases has written the last of them."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = list(records(folder))
        if any(record.HasField("exit") for record in found):
            return found
        time.sleep(0.1)
    pytest.fail("the run was not written to its end")


def values(items: Any) -> dict[str, Any]:
    return {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in items}


def test_nothing_is_written_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    monkeypatch.setenv(plugin.VARIABLE, "0")
    plugin.aukit_run_started(run)
    plugin.aukit_run_finished(run, {"scores": {}})
    assert os.listdir(run.folder) == []


def test_scalars_settings_and_scores_come_back(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.setenv(plugin.VARIABLE, "smiles")
    plugin.aukit_run_started(run)
    plugin.aukit_scalars(run, "fit-synth", 9, {"loss": 0.5})
    plugin.aukit_scalars(run, "fit-estimator", 4, {"loss": 2.0})
    plugin.aukit_run_finished(run, {"scores": {"mean": {"icc": {"value": 0.75}}}})
    found = finished(run.folder)
    (told,) = [record.run for record in found if record.HasField("run")]
    assert (told.project, told.display_name) == ("smiles", run.folder.name)
    assert values(told.config.update)["preset"] == '"quick"'
    lines = [values(record.history.item) for record in found if record.HasField("history")]
    assert {"fit-synth/step": 9, "fit-synth/loss": 0.5}.items() <= lines[0].items()
    assert {"fit-estimator/step": 4, "fit-estimator/loss": 2.0}.items() <= lines[1].items()
    summaries = [values(record.summary.update) for record in found if record.HasField("summary")]
    assert any(summary.get("icc/mean") == 0.75 for summary in summaries)
