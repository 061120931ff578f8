"""What a run has fitted, found by its folder: clear errors where there is nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aukit import api
from aukit.config.files import to_toml
from aukit.config.resolve import resolve
from aukit.errors import ConfigError, DataError
from aukit.registry.loading import Registry


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run folder whose stages are gone."""
    config = resolve(Registry(), [("test", {"device": "cpu"})], preset="quick")
    (tmp_path / "run.toml").write_text(to_toml(config), encoding="utf-8")
    gone = {"key": "fit-estimator-0123", "folder": "results/fit-estimator-0123"}
    stages = {"store": "../.stages", "stages": {"fit-estimator": gone}}
    (tmp_path / "stages.json").write_text(json.dumps(stages), encoding="utf-8")
    return tmp_path


def test_a_kind_that_no_run_fits(run: Path) -> None:
    with pytest.raises(ConfigError, match="runs do not fit a metric"):
        api.load("metric", run)


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a run folder"):
        api.load("synth", tmp_path / "nowhere")


def test_a_run_without_a_synthesizer(run: Path) -> None:
    with pytest.raises(DataError, match="has fitted no synth"):
        api.load("synth", run)


def test_a_run_whose_stages_are_gone(run: Path) -> None:
    with pytest.raises(DataError, match=r"the result of stage fit-estimator .* is gone"):
        api.load("estimator", run)


def test_a_run_that_has_just_begun(run: Path) -> None:
    (run / "stages.json").unlink()
    with pytest.raises(DataError, match="has fitted no estimator"):
        api.load("estimator", run)
