"""Whole runs on codes that say presence only: an imitated BP4D, through the command line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import tiny_plugin
import torch
from sklearn.metrics import accuracy_score, f1_score, roc_auc_score

from aukit.cli.app import App
from aukit.cli.main import main
from aukit.contracts.labels import Labels
from aukit.data.kinds import au_kinds, estimate_kinds
from aukit.registry.loading import Registry
from aukit.runs.results import read_stages
from aukit.store.files import read_table
from aukit.store.models import load_card
from aukit.testing import drawn
from aukit_avatars.actions import AUS
from aukit_corpora.actors import Cast, Take
from aukit_corpora.imitate import imitate

Run = Callable[..., int]
BASE = [
    "--preset", "quick", "--device", "cpu", "--executor", "inline", "--draws", "20", "--card", "0",
    "--balancer.per-level", "4", "--estimator", "vgg16", "--estimator.size", "32",
    "--estimator.width", "0.125",
    "--estimator.epochs", "1", "--estimator.ticks", "1", "--aligner", "2d", "--aligner.size", "48",
]  # fmt: skip
SYNTH = [
    "--synth", "ganimation", "--synth.size", "16", "--synth.width", "4", "--synth.blocks", "1",
    "--synth.critic-width", "4", "--synth.depth", "2", "--synth.epochs", "1",
]  # fmt: skip


def cartoons(cast: Cast) -> Iterator[Take]:
    """Drawn faces that show random codes, in no time."""
    random = np.random.default_rng(cast.seed)
    for person in range(cast.people):
        shape = (cast.frames, len(AUS))
        levels = (random.integers(0, 6, shape) * (random.random(shape) < 0.6)).astype(np.float32)
        codes = Labels(AUS, torch.from_numpy(levels), torch.ones(shape, dtype=torch.bool))
        points = drawn.landmarks(codes)
        pictures = drawn.draw(points, [person] * cast.frames, cast.size)
        yield Take(person, 0, 0, pictures, levels, points * cast.size - 0.5, AUS)


@pytest.fixture(scope="module")
def bp4d(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cast = Cast(9, frames=10, size=tiny_plugin.SIZE)
    folder = tmp_path_factory.mktemp("bp4d") / "root"
    return imitate("bp4d", folder, cast, quirks=False, actors=cartoons)


@pytest.fixture
def run(bp4d: Path, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the imitation with further options into `tmp_path/runs`."""
    monkeypatch.setattr(App, "registry", registry)
    line = ["--data", "bp4d", "--data.root", str(bp4d), "--landmarker", "everywhere"]
    into = ["-o", str(tmp_path / "runs")]
    return lambda *more: main(["run", *line, *BASE, *into, *more])


def of_kind(kind: str, kinds: Mapping[str, str]) -> list[str]:
    return [au for au, known in kinds.items() if known == kind]


def test_intensities_and_occurrences_in_one_run(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """BP4D as it comes: some AUs have intensities, the others are coded as present or absent."""
    assert run(*SYNTH, "--card", "1", "--aus", "1,2,6,12", "--balancer.per-level", "2") == 0
    said = capsys.readouterr().out
    (folder,) = (tmp_path / "runs").glob("0*")
    predictions = read_table(folder / "predictions.parquet")
    kinds = au_kinds(predictions)
    only, scaled = of_kind("occurrence", kinds), of_kind("intensity", kinds)
    assert (only, scaled) == (["AU01", "AU02"], ["AU06", "AU12"])
    assert estimate_kinds(predictions) == kinds
    assert au_kinds(read_table(folder / "plan.parquet")) == kinds
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["presence"] == only
    for au in only:
        truth = predictions[au].to_numpy()
        chance = predictions[f"{au}_predicted"].to_numpy()
        assert set(truth) == {0, 1}
        assert ((chance >= 0) & (chance <= 1)).all()
        assert set(predictions[f"{au}_level"].to_pylist()) <= {0, 1}
        assert scores[au]["icc"]["value"] is None
        assert scores[au]["f1"]["value"] == pytest.approx(f1_score(truth, chance >= 0.5))
        assert scores[au]["accuracy"]["value"] == pytest.approx(
            accuracy_score(truth, chance >= 0.5)
        )
        level = f1_score(truth, predictions[f"{au}_level"].to_numpy())
        assert scores["level"][au]["f1"]["value"] == pytest.approx(level)
        area = roc_auc_score(truth, np.round(chance, 2))
        assert scores[au]["auc"]["value"] == pytest.approx(area, abs=1e-6)
    for au in scaled:
        assert scores[au]["icc"]["value"] is not None
        assert scores[au]["auc"]["value"] is None
    plan = read_table(folder / "plan.parquet").to_pandas()
    asked = plan.groupby("training_set")["level"].agg(set)
    assert all(asked[au] <= {0, 1} for au in only)
    assert any(max(asked[au]) > 1 for au in scaled)
    assert "only presence is labelled for AU01" in said
    assert "only presence is labelled for" in (folder / "report.html").read_text().lower()
    card = json.loads((folder / "score_card.json").read_text())
    assert card["detection"]["estimator"]["cuts"] == dict.fromkeys(only, 0.5)


def test_lacgan_and_networks_learn_presence_alone(run: Run, tmp_path: Path) -> None:
    """The twelve AUs of the second paper, all of them 0 or 1, with its labels -1 and +1."""
    line = (
        *("--data.codes", "occurrence", "--synth", "lacgan", "--synth.size", "16"),
        *("--synth.labels", "presence", "--synth.epochs", "1", "--synth.width", "4"),
    )
    assert run(*line, "--estimator.networks", "per-au", "--aus", "1,12") == 0
    (folder,) = (tmp_path / "runs").glob("0*")
    scores = json.loads((folder / "scores.json").read_text())
    assert scores["mean"]["icc"]["value"] is None
    assert scores["mean"]["f1"]["value"] is not None
    plan = read_table(folder / "plan.parquet")
    painted = plan.filter(np.array(plan["origin"]) == "synthetic")
    assert set(painted["AU12"].to_pylist()) == {0, 1}


def test_an_au_of_two_kinds_is_refused(
    run: Run, bp4d: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = ["--synth-fit.data", "bp4d", "--synth-fit.data.root", str(bp4d)]
    assert run(*SYNTH, *other, "--synth-fit.data.codes", "occurrence") != 0
    said = capsys.readouterr().err
    assert re.search(r"AU06 is an intensity in the data of role train, and an occurrence in", said)
    assert "Traceback" not in said


def test_a_model_of_presence_says_so_outside_of_its_run(run: Run, tmp_path: Path) -> None:
    assert run("--synth", "none", "--balancer", "resample", "--aus", "1,2") == 0
    (made,) = (tmp_path / "runs").glob("0*")
    assert load_card(read_stages(made)["fit-estimator"].folder / "model")["kinds"] == {
        "AU01": "occurrence",
        "AU02": "occurrence",
    }
