"""Runs with the tiny components, their pictures, and an exported model."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from aukit.cli.main import main

sys.path.insert(0, str(Path(__file__).parent))

from predicting import TINY, Shown, finished


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that takes the mean of a person away."""
    return finished(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="session")
def plain_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows no person."""
    return finished(tmp_path_factory.mktemp("runs"), normalizer="none")


@pytest.fixture(scope="session")
def shown() -> Shown:
    """(subject, frame) -> the pictures of the test people of those runs."""
    sys.path.insert(0, str(TINY.parent))
    import tiny_plugin

    from aukit.contracts.context import Context

    config = tiny_plugin.DrawnConfig(people=2, frames=12)
    dataset: Any = tiny_plugin.Drawn(config, Context())
    found = {}
    for frames in dataset.read(dataset.index()):
        for row, image in zip(frames.rows.to_pylist(), frames.images, strict=True):
            if row["partition"] == "test":
                found[row["subject"], row["frame"]] = image
    return found


@pytest.fixture
def model(tiny: None, run: Path, tmp_path: Path) -> Path:
    """The exported model, far from its run."""
    made = tmp_path / "made"
    assert main(["export", str(run), "-o", str(made)]) == 0
    moved = tmp_path / "another" / "machine" / "model"
    moved.parent.mkdir(parents=True)
    made.rename(moved)
    return moved
