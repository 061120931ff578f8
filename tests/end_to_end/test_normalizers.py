"""Runs with each normalizer, and with synthetic faces shown in nine views, by the command line."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from aukit.cli.main import main
from aukit.errors import DataError
from aukit.registry.loading import Registry
from aukit.runs.models import load_from_run
from aukit.runs.results import read_stages
from aukit.store.models import load_card
from aukit.testing.drawn import DrawnFaces
from aukit.views import FERA17, view_name

TINY = Path(__file__).parent / "tiny_plugin.py"
SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "aligner": "centre", "data.people": 2,
    "data.frames": 12, "balancer.per_level": 3, "draws": 20, "card": 0, "executor": "inline",
    "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125, "estimator.epochs": 1,
    "estimator.ticks": 1,
}  # fmt: skip


@pytest.fixture(autouse=True)
def tiny(distribute: Callable[..., Path]) -> None:
    """The tiny components as an installed distribution."""
    source = TINY.read_text(encoding="utf-8")
    distribute("tiny-faces", {"tiny_of_normalizers": source}, version="0.1")


def run(output: Path, **changes: object) -> tuple[Path, dict[str, Path]]:
    """A finished run's folder, and its stages."""
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    words = [word for key, value in settings.items() for word in (f"--{key}", str(value))]
    assert main(["run", "-o", str(output), *words]) == 0
    folder = max(output.glob("0*"))
    return folder, {label: result.folder for label, result in read_stages(folder).items()}


def test_each_normalizer_gives_the_estimator_other_faces(tmp_path: Path) -> None:
    fitted = {}
    for name in ("none", "mean-texture", "au0"):
        folder, stages = run(tmp_path, normalizer=name)
        fitted[name] = stages["fit-estimator"]
        assert set(json.loads((folder / "scores.json").read_text())) >= {"mean", "AU01", "AU12"}
        assert ("fit-normalizer" in stages) == (name != "none")
        if name != "none":
            card = load_card(stages["fit-normalizer"] / "model")
            assert card["normalizer"] == name
            partitions = Counter(person.split("/")[1] for person in card["people"])
            assert partitions == {"train": 2, "valid": 2, "test": 2}
    assert len(set(fitted.values())) == 3


@pytest.mark.parametrize("name", ["mean-texture", "au0"])
def test_a_finished_run_estimates_people_whom_it_has_never_seen(tmp_path: Path, name: str) -> None:
    folder, _ = run(tmp_path, normalizer=name)
    registry = Registry()
    kinds = ("normalizer", "estimator")
    normalizer, estimator = (
        load_from_run(kind, folder, registry, "cpu").component for kind in kinds
    )
    strangers = DrawnFaces(12, people=2, size=48, uncoded=1.0, seed=5)
    batch = strangers.batch(range(12))
    with pytest.raises(DataError, match="was not fitted on drawn/train/D00"):
        normalizer.apply(batch)
    normalizer.fit(strangers)
    found = estimator.predict(replace(batch, images=normalizer.apply(batch)))
    assert found.intensity.shape == (12, 2)
    assert found.intensity.isfinite().all()


@pytest.mark.parametrize("way", ["coded", "first"])
def test_the_neutral_frame_is_found_as_asked(tmp_path: Path, way: str) -> None:
    _, stages = run(tmp_path, normalizer="au0", normalizer__neutral=way)
    assert load_card(stages["fit-normalizer"] / "model")["neutral"] == way


@pytest.mark.parametrize("name", ["mean-texture", "au0"])
def test_painted_people_of_another_dataset_have_their_own_reference(
    tmp_path: Path, name: str
) -> None:
    # The third person is among the faces to paint alone: her synthetic faces need her mean.
    changes = {"synth": "tint", "synth-paint.data.people": 3}
    _, stages = run(tmp_path, normalizer=name, **changes)
    people = load_card(stages["fit-normalizer"] / "model")["people"]
    assert "drawn/train/P02" in people
    made = pq.read_table(stages["synthesize"] / "part-00000.parquet")
    assert "P02" in made["subject"].to_pylist()


def test_every_use_of_a_synthetic_face_becomes_one_in_each_of_nine_views(tmp_path: Path) -> None:
    changes = {"test.aligner": "centre"}
    folder, stages = run(tmp_path, aligner="turntable", synth="tint", views="fera17", **changes)
    made = pq.read_table(stages["synthesize"] / "part-00000.parquet")
    shown = pq.read_table(stages["show-views"] / "part-00000.parquet")
    names = [view_name(view) for view in FERA17]
    assert Counter(shown["view"].to_pylist()) == dict.fromkeys(names, made.num_rows)
    assert set(shown["partition"].to_pylist()) == {"train"}
    plan = pq.read_table(folder / "plan.parquet")
    levels = Counter(zip(plan["training_set"].to_pylist(), plan["level"].to_pylist(), strict=True))
    assert set(levels.values()) == {3}  # an AU and level has 3 in the plan, and so 3 in each pose
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "Synthetic faces in the views used for training" in report
    assert "could not be synthesized" not in report


def test_views_and_a_normalizer_go_together(tmp_path: Path) -> None:
    _, stages = run(
        tmp_path, aligner="turntable", synth="tint", views="0,0 0,30", normalizer="mean-texture"
    )
    assert {"show-views", "fit-normalizer", "predict"} <= set(stages)
