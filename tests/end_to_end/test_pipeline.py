"""Whole runs on tiny components: every contract, every guard, interruption and roles."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aukit.config.resolve import nest, resolve
from aukit.errors import ConfigError, DataError, LeakageError, StageError
from aukit.pipeline.execute import Outcome, execute
from aukit.registry.loading import Registry
from aukit.runs.results import read_stages

SMALL = {
    "preset": "quick",
    "device": "cpu",
    "data": "drawn",
    "aligner": "centre",
    "balancer": "paints",
    "synth": "brush",
    "estimator": "vgg16",
    "estimator.size": 32,
    "estimator.width": 0.125,
    "estimator.epochs": 1,
    "estimator.ticks": 1,
    "data.people": 2,
    "data.frames": 24,
    "draws": 50,
    "card": 1,
}


def run(registry: Registry, output: Path, **changes: Any) -> Outcome:
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    config = resolve(registry, [("test", nest({k: v for k, v in settings.items() if v}))])
    return execute(config, output, registry)


def events(outcome: Outcome) -> list[tuple[str, str]]:
    lines = (outcome.folder / "events.jsonl").read_text().splitlines()
    return [(line["event"], line["stage"]) for line in map(json.loads, lines)]


def test_a_run_with_every_kind_of_component_leaves_everything(
    registry: Registry, tmp_path: Path
) -> None:
    outcome = run(registry, tmp_path, normalizer="mean-face")
    names = {path.name for path in outcome.folder.iterdir()}
    wanted = {"run.toml", "scores.json", "predictions.parquet", "plan.parquet", "report.html"}
    assert wanted | {"events.jsonl", "metrics.jsonl", "environment.json"} <= names
    scores = json.loads((outcome.folder / "scores.json").read_text())
    assert set(scores) >= {"mean", "AU01", "AU12"}
    assert set(scores["mean"]["icc"]) == {"value", "low", "high"}
    predictions = pq.read_table(outcome.folder / "predictions.parquet")
    assert set(predictions.column("partition").to_pylist()) == {"test"}
    assert predictions.column("AU01").null_count > 0  # frames that were not coded stay so


def test_synthetic_faces_inherit_their_parents(registry: Registry, tmp_path: Path) -> None:
    outcome = run(registry, tmp_path)
    stages = read_stages(outcome.folder)
    made = pq.read_table(stages["synthesize"].folder / "part-00000.parquet").to_pylist()
    assert len(made) == 20
    for row in made:
        assert row["origin"] == "synthetic"
        assert row["id"].startswith(row["parent"] + "#")
        assert row["partition"] == "train"
        assert row["AU01"] == 5.0 or row["AU12"] == 5.0


def test_a_second_run_computes_nothing_and_scores_the_same(
    registry: Registry, tmp_path: Path
) -> None:
    first, second = run(registry, tmp_path), run(registry, tmp_path)
    assert first.folder != second.folder
    assert {kind for kind, _ in events(second)} == {"found"}
    assert first.scores == second.scores


def test_another_estimator_option_shares_the_faces(registry: Registry, tmp_path: Path) -> None:
    run(registry, tmp_path)
    other = run(registry, tmp_path, estimator__dropout=0.1)
    started = [stage for kind, stage in events(other) if kind == "started"]
    assert started == ["fit-judge", "fit-estimator", "score-card", "predict"]


def test_the_resolved_run_file_repeats_the_run(registry: Registry, tmp_path: Path) -> None:
    import tomllib

    first = run(registry, tmp_path, normalizer="mean-face")
    text = (first.folder / "run.toml").read_text()
    again = resolve(registry, [("run.toml", tomllib.loads(text))])
    second = execute(again, tmp_path / "elsewhere", registry)
    assert second.scores == first.scores


def test_roles_take_their_own_data(registry: Registry, tmp_path: Path) -> None:
    settings = {**SMALL, "test.data.people": 3}
    config = resolve(registry, [("test", nest(settings))])
    outcome = execute(config, tmp_path, registry)
    predictions = pq.read_table(outcome.folder / "predictions.parquet")
    assert len(predictions.column("subject").unique()) == 3
    faces = pq.read_table(next((tmp_path / ".stages").glob("align-*/part-00000.parquet")))
    assert faces.num_rows > 0


def test_a_plan_that_reaches_for_test_people_is_refused(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(LeakageError, match=r"outside training, e\.g\. drawn/test/P00"):
        run(registry, tmp_path, balancer="leaky", synth="")


def test_a_plan_with_synthetic_faces_needs_a_synthesizer(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no synthesizer is chosen"):
        run(registry, tmp_path, synth="")


def test_a_component_that_raises_is_named_and_the_rest_is_kept(
    registry: Registry, tmp_path: Path
) -> None:
    with pytest.raises(StageError, match=r"data 'drawn' \(tiny-faces 0.1\) failed in stage align"):
        run(registry, tmp_path, data__fail_at=3)
    folder = next(tmp_path.glob("0001-*"))
    assert json.loads((folder / "state.json").read_text())["state"] == "failed"
    assert not (folder / "scores.json").exists()
    assert list((tmp_path / ".stages").glob("index-*/index.parquet"))


def test_unreadable_frames_are_dropped_with_a_reason(registry: Registry, tmp_path: Path) -> None:
    outcome = run(registry, tmp_path, data__broken=8)
    assert outcome.dropped == {"unreadable picture": 18}


def test_aus_are_those_that_were_asked_for(registry: Registry, tmp_path: Path) -> None:
    outcome = run(registry, tmp_path, aus="12")
    assert set(outcome.scores) == {"mean", "AU12", "people", "level", "yardstick"}
    with pytest.raises(ConfigError, match="AU04 not coded in both"):
        run(registry, tmp_path, aus="4,12")


_SCRIPT = """
import sys
sys.path[:0] = [{here!r}]
from pathlib import Path
import tiny_plugin
from aukit.pipeline.execute import execute
from aukit.config.resolve import nest, resolve
registry = tiny_plugin.registry()
import aukit.contracts.session, dataclasses
original = aukit.contracts.session.Session.part
aukit.contracts.session.Session.part = lambda self, name: dataclasses.replace(
    original(self, name), checkpoint_every=0.0)
config = resolve(registry, [("test", nest({settings!r}))])
execute(config, Path(sys.argv[1]), registry)
"""


def test_a_run_killed_in_the_middle_of_a_fit_ends_with_the_same_numbers(
    tmp_path: Path,
) -> None:
    settings = {**SMALL, "estimator.epochs": 3, "estimator.ticks": 3}
    script = tmp_path / "run.py"
    script.write_text(_SCRIPT.format(here=str(Path(__file__).parent), settings=settings))

    def start(output: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, str(script), str(tmp_path / output)])

    assert start("whole").wait(240) == 0
    process = start("killed")
    deadline = time.monotonic() + 120
    pattern = "killed/.stages/.fit-estimator-*.partial/training/shared/checkpoint.safetensors"
    while not list(tmp_path.glob(pattern)):
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not list(tmp_path.glob("killed/*/scores.json"))

    assert start("killed").wait(240) == 0
    assert len(list(tmp_path.glob("killed/0*"))) == 1  # the same run folder, continued
    for name in ("scores.json", "predictions.parquet"):
        whole = next(tmp_path.glob(f"whole/0001-*/{name}")).read_bytes()
        assert next(tmp_path.glob(f"killed/0001-*/{name}")).read_bytes() == whole
