"""Runs in MLflow, read back with its own client."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from aukit.vision.images import encode
from aukit_mlflow import plugin

pytest.importorskip("mlflow")


class Told(SimpleNamespace):
    """As much of a run as the plugin sees."""

    folder: Path


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    # What MLflow asks before it writes plain files.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    folder = tmp_path / "runs" / "0001-a-run"
    folder.mkdir(parents=True)
    rows = [("preset", '"quick"', "default"), ("synth.note", "x" * 9000, "command line")]
    return Told(folder=folder, config=SimpleNamespace(rows=lambda: iter(rows)))


def tracked(place: Path) -> Any:
    from mlflow.tracking import MlflowClient

    client = MlflowClient(place.resolve().as_uri())
    experiment = client.get_experiment_by_name("aukit")
    assert experiment is not None
    return client, client.search_runs([experiment.experiment_id])


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_written_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, run: Any, value: str | None
) -> None:
    monkeypatch.delenv(plugin.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(plugin.VARIABLE, value)
    plugin.aukit_run_started(run)
    plugin.aukit_run_finished(run, {"scores": {}})
    assert os.listdir(run.folder.parent) == [run.folder.name]


def test_scalars_parameters_pictures_and_scores_come_back(
    monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    monkeypatch.setenv(plugin.VARIABLE, "1")
    previews = run.folder / "stage" / "training" / "previews"
    previews.mkdir(parents=True)
    picture = torch.zeros((1, 3, 12, 20), dtype=torch.uint8)
    (previews / "00000099.png").write_bytes(encode(picture)[0])
    plugin.aukit_run_started(run)
    plugin.aukit_scalars(run, "fit-synth", 9, {"loss": 0.5})
    plugin.aukit_scalars(run, "fit-synth", 19, {"loss": 0.25})
    plugin.aukit_stage_finished(run, "fit-synth", run.folder / "stage")
    entry, nothing = {"value": 0.75}, {"value": None}
    scores = {"mean": {"icc": entry}, "AU12": {"icc": entry}, "AU17": {"icc": nothing}}
    plugin.aukit_run_finished(run, {"scores": {**scores, "views": {}}})
    client, (found,) = tracked(run.folder.parent / "mlruns")
    history = client.get_metric_history(found.info.run_id, "fit-synth/loss")
    assert [(point.step, point.value) for point in history] == [(9, 0.5), (19, 0.25)]
    assert found.info.status == "FINISHED"
    assert {"icc/AU12": 0.75, "icc/mean": 0.75}.items() <= found.data.metrics.items()
    assert "icc/AU17" not in found.data.metrics
    assert found.data.params["preset"] == '"quick"'
    (stored,) = client.list_artifacts(found.info.run_id, "previews/fit-synth")
    assert stored.path.endswith("00000099.png")


def test_a_run_that_is_continued_goes_on(
    monkeypatch: pytest.MonkeyPatch, run: Any, tmp_path: Path
) -> None:
    monkeypatch.setenv(plugin.VARIABLE, (tmp_path / "tracked").as_uri())
    plugin.aukit_run_started(run)
    plugin.aukit_stage_failed(run)
    _, (failed,) = tracked(tmp_path / "tracked")
    assert failed.info.status == "FAILED"
    plugin.aukit_run_started(run)
    plugin.aukit_run_finished(run, {})
    _, (found,) = tracked(tmp_path / "tracked")
    assert (found.info.run_id, found.info.status) == (failed.info.run_id, "FINISHED")
