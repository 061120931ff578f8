"""Event files, read back with TensorBoard's own reader."""

from __future__ import annotations

import importlib.util
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from aukit.errors import PluginError
from aukit.vision.images import encode
from aukit_tensorboard import plugin

pytest.importorskip("tensorboard")


class Told(SimpleNamespace):
    """As much of a run as the plugin sees."""

    folder: Path


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Any]:
    folder = tmp_path / "runs" / "0001-a-run"
    folder.mkdir(parents=True)
    yield Told(folder=folder)
    plugin.aukit_stage_failed(Told(folder=folder))


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"images": 0, "scalars": 0})
    events.Reload()
    return events


def points(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_is_written_unless_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, run: Any, value: str | None
) -> None:
    monkeypatch.delenv(plugin.VARIABLE, raising=False)
    if value is not None:
        monkeypatch.setenv(plugin.VARIABLE, value)
    plugin.aukit_run_started(run)
    plugin.aukit_scalars(run, "fit-synth", 1, {"loss": 1.0})
    plugin.aukit_run_finished(run, {"scores": {}})
    assert list(run.folder.iterdir()) == []


def test_scalars_of_each_stage_come_back(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.setenv(plugin.VARIABLE, "1")
    plugin.aukit_run_started(run)
    plugin.aukit_scalars(run, "fit-synth", 9, {"loss": 0.5, "mask": 0.25})
    plugin.aukit_scalars(run, "fit-synth", 19, {"loss": 0.125, "mask": math.nan})
    plugin.aukit_scalars(run, "fit-estimator", 4, {"AU12/loss": 2.0})
    # While the run goes on, and not only at its end.
    assert points(run.folder / "tensorboard" / "fit-synth", "loss") == [(9, 0.5), (19, 0.125)]
    (nine, nineteen) = points(run.folder / "tensorboard" / "fit-synth", "mask")
    assert nine == (9, 0.25)
    assert math.isnan(nineteen[1])
    assert points(run.folder / "tensorboard" / "fit-estimator", "AU12/loss") == [(4, 2.0)]


def test_scores_come_back_and_undefined_ones_are_absent(
    monkeypatch: pytest.MonkeyPatch, run: Any, tmp_path: Path
) -> None:
    monkeypatch.setenv(plugin.VARIABLE, str(tmp_path / "board"))
    plugin.aukit_run_started(run)
    entry, nothing = {"value": 0.75}, {"value": None}
    scores = {"mean": {"icc": entry}, "AU12": {"icc": entry}, "AU17": {"icc": nothing}}
    plugin.aukit_run_finished(run, {"scores": {**scores, "views": {}, "people": {}}})
    folder = tmp_path / "board" / run.folder.name / "scores"
    assert sorted(read(folder).Tags()["scalars"]) == ["icc/AU12", "icc/mean"]
    assert points(folder, "icc/AU12") == [(0, 0.75)]
    assert not (run.folder / "tensorboard").exists()


def test_previews_come_back_at_their_steps(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    monkeypatch.setenv(plugin.VARIABLE, "1")
    plugin.aukit_run_started(run)
    result = run.folder / "stage"
    previews = result / "training" / "previews"
    previews.mkdir(parents=True)
    picture = torch.randint(0, 255, (1, 3, 12, 20), dtype=torch.uint8)
    for step in (99, 199):
        (previews / f"{step:08d}.png").write_bytes(encode(picture)[0])
    plugin.aukit_stage_finished(run, "fit-synth", result)
    plugin.aukit_run_finished(run, {})
    shown = read(run.folder / "tensorboard" / "fit-synth").Images("preview")
    assert [(image.step, image.width, image.height) for image in shown] == [
        (99, 20, 12),
        (199, 20, 12),
    ]


def test_steps_that_are_made_again_are_not_doubled(
    monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    monkeypatch.setenv(plugin.VARIABLE, "1")
    plugin.aukit_run_started(run)
    for step in (9, 19, 29):
        plugin.aukit_scalars(run, "fit-synth", step, {"loss": 1.0})
    plugin.aukit_stage_failed(run)
    plugin.aukit_run_started(run)
    for step in (19, 29, 39):
        plugin.aukit_scalars(run, "fit-synth", step, {"loss": 2.0})
    plugin.aukit_run_finished(run, {})
    found = points(run.folder / "tensorboard" / "fit-synth", "loss")
    assert found == [(9, 1.0), (19, 2.0), (29, 2.0), (39, 2.0)]


def test_a_missing_package_is_told_before_anything_is_computed(
    monkeypatch: pytest.MonkeyPatch, run: Any
) -> None:
    monkeypatch.setenv(plugin.VARIABLE, "1")
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PluginError, match="tensorboard is not installed") as caught:
        plugin.aukit_run_started(run)
    assert "aukit-facs[tensorboard]" in str(caught.value)


def test_a_real_run_is_watched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_registry: Any
) -> None:
    from aukit.config.resolve import nest, resolve
    from aukit.pipeline.execute import execute
    from aukit.training.loop import read_scalars

    monkeypatch.setenv(plugin.VARIABLE, "1")
    settings = {
        "preset": "quick", "device": "cpu", "data": "drawn", "landmarker": "everywhere",
        "aligner": "centre", "balancer": "resample", "balancer.per_level": 2,
        "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125, "estimator.epochs": 1,
        "estimator.ticks": 2, "data.people": 2, "data.frames": 12, "draws": 5,
        "executor": "inline",
    }  # fmt: skip
    config = resolve(tiny_registry, [("test", nest(settings))])
    outcome = execute(config, tmp_path, tiny_registry)
    board = outcome.folder / "tensorboard"
    logged = read_scalars(outcome.folder / "metrics.jsonl")
    (name,) = [key for key in logged[0] if key.endswith("loss")]
    expected = [(line["step"], pytest.approx(line[name])) for line in logged if name in line]
    assert points(board / "fit-estimator", name) == expected
    accuracy = outcome.scores["mean"]["mae"]["value"]
    assert points(board / "scores", "mae/mean") == [(0, pytest.approx(accuracy))]
