"""Roles: data of other people, codes and alignments playing the parts of one run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from aukit.config.resolve import nest, resolve
from aukit.errors import DataError
from aukit.pipeline.execute import Outcome, execute
from aukit.registry.loading import Registry
from aukit.runs.results import read_stages

SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre", "synth": "brush",
    "balancer.per_level": 4, "estimator.size": 32, "estimator.width": 0.125,
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
    assert "left out: AU01" in (outcome.folder / "report.html").read_text(encoding="utf-8")


def test_a_synthesizer_learns_only_from_what_is_coded(registry: Registry, tmp_path: Path) -> None:
    outcome = run(registry, tmp_path, {"synth-fit.data.coded": ["AU01"]})
    assert outcome.left_out == ("AU12",)
    assert [name for name in outcome.scores if name.startswith("AU")] == ["AU01"]


def test_test_faces_may_be_aligned_otherwise(registry: Registry, tmp_path: Path) -> None:
    """Figure 5 (c) of the first paper; the faces that are learned from must agree, though."""
    outcome = run(registry, tmp_path, {"test.aligner.template": "oval"})
    assert outcome.scores["mean"]["mae"]["value"] is not None
    with pytest.raises(DataError, match="synth-fit and synth-paint are aligned otherwise"):
        run(registry, tmp_path, {"synth-paint.aligner.template": "oval"})
