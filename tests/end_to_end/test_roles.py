"""Roles: data of other people, codes and alignments playing the parts of one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aukit.config.resolve import nest, resolve
from aukit.errors import DataError
from aukit.faces.stored import read_rows
from aukit.pipeline.execute import Outcome, execute
from aukit.registry.loading import Registry
from aukit.runs.results import read_stages

SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre", "synth": "brush",
    "balancer.per_level": 4, "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125,
    "estimator.epochs": 1, "estimator.ticks": 1, "data.people": 2, "data.frames": 24,
    "draws": 20, "card": 0, "executor": "inline",
}  # fmt: skip


def run(registry: Registry, output: Path, settings: dict[str, Any]) -> Outcome:
    config = resolve(registry, [("test", nest({**SMALL, **settings}))])
    return execute(config, output, registry)


def painted_from(outcome: Outcome) -> set[tuple[str, str]]:
    """(partition, subject) of the faces that were painted."""
    stages = read_stages(outcome.folder)
    table = pq.read_table(stages["synthesize"].folder / "part-00000.parquet")
    columns = (table.column(name).to_pylist() for name in ("partition", "subject"))
    return set(zip(*columns, strict=True))


def test_faces_of_an_uncoded_dataset_can_be_painted(registry: Registry, tmp_path: Path) -> None:
    """Table 4 of the first paper: MultiPIE has no AU codes; its faces get those of FERA 2017."""
    settings = {"synth-paint.data.coded": [], "synth-paint.data.people": 3}
    outcome = run(registry, tmp_path, settings)
    assert set(outcome.scores) >= {"AU01", "AU12"}
    assert outcome.left_out == ()
    assert ("train", "P02") in painted_from(outcome)  # the third person is in those data only


def test_the_aus_are_those_that_all_corpora_code(registry: Registry, tmp_path: Path) -> None:
    outcome = run(registry, tmp_path, {"test.data.coded": ["AU12"]})
    assert outcome.left_out == ("AU01",)
    assert [name for name in outcome.scores if name.startswith("AU")] == ["AU12"]
    assert "datasets code them: AU01" in (outcome.folder / "report.html").read_text(
        encoding="utf-8"
    )


def test_a_synthesizer_learns_only_from_what_is_coded(registry: Registry, tmp_path: Path) -> None:
    outcome = run(registry, tmp_path, {"synth-fit.data.coded": ["AU01"]})
    assert outcome.left_out == ("AU12",)
    assert [name for name in outcome.scores if name.startswith("AU")] == ["AU01"]


def test_test_faces_may_be_aligned_otherwise(registry: Registry, tmp_path: Path) -> None:
    """Figure 5 (c) of the first paper; the faces that are learned from must agree, though."""
    outcome = run(registry, tmp_path, {"test.aligner.template": "oval"})
    assert outcome.scores["mean"]["mae"]["value"] is not None
    with pytest.raises(DataError, match="synth-fit and synth-paint are aligned differently"):
        run(registry, tmp_path, {"synth-paint.aligner.template": "oval"})


def test_a_role_can_be_limited_to_some_views(registry: Registry, tmp_path: Path) -> None:
    """Section 4.6 of the first paper: trained on frontal faces, tested on all views."""
    settings = {
        **{name: value for name, value in SMALL.items() if not name.startswith("data.")},
        "data": "avatars", "data.train": 2, "data.valid": 1, "data.test": 1, "data.tasks": 2,
        "data.size": 64, "data.views": "0,0 -20,40", "aligner": "2d", "aligner.size": 48,
        "synth": "none", "balancer": "resample", "train.views": "frontal",
    }  # fmt: skip
    outcome = execute(resolve(registry, [("test", nest(settings))]), tmp_path, registry)
    stages = read_stages(outcome.folder)
    seen = {
        role: set(read_rows(stages[f"align-{role}"].folder)["view"].to_pylist())
        for role in ("train", "test")
    }
    assert seen == {"train": {"frontal"}, "test": {"frontal", "-20,40"}}
    assert len(outcome.scores["views"]) == 2
    assert 'views = "frontal"' in (outcome.folder / "run.toml").read_text()
