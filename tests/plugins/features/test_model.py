"""The model that comes with aukit: small, complete, accepted by the aligner, and not blind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from skimage.data import astronaut

from aukit.cli.main import main
from aukit.config.choice import make
from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.defaults import MODEL
from aukit.registry.loading import Registry
from aukit.runs.exported import MODEL_CARD, Exported, read_exported
from aukit.runs.known import model_folder
from aukit.store.files import read_table
from aukit.store.models import load_card, refuse_other_alignment
from aukit.testing.drawn import face_of
from aukit.vision.images import encode
from aukit_avatars.actions import AUS
from aukit_avatars.otherness import Otherness
from aukit_avatars.plugin import StrangersConfig
from aukit_avatars.strangers import Strangers

SHOWN = ("AU01", "AU04", "AU12", "AU15", "AU43")
PEOPLE = 4


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Exported:
    """The model on a machine without any fetched weights."""
    monkeypatch.setenv("AUKIT_WEIGHTS", str(tmp_path))
    registry = Registry()
    return read_exported(model_folder(MODEL, registry), registry)


def test_it_is_small_and_complete(model: Exported) -> None:
    files = [file for file in model.folder.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < 10e6
    assert model.load("estimator", Context()).aus == model.aus == AUS


def test_its_faces_are_registered_as_the_aligner_does_today(model: Exported) -> None:
    aligner = make(model.need("aligner"), Context())
    refuse_other_alignment(load_card(model.folder / "estimator"), aligner.describe())


def test_its_card_says_what_its_numbers_are_worth(model: Exported) -> None:
    card = json.loads((model.folder / MODEL_CARD).read_text(encoding="utf-8"))
    readme = (model.folder / "README.md").read_text(encoding="utf-8")
    for scores in card["scores"].values():
        mean, low, high = scores["icc"]
        assert low < mean < high
        assert max(scores["mean of each AU on neutral faces"].values()) < 1
        assert f"{mean:.2f} [{low:.2f}, {high:.2f}]" in readme


def test_it_tells_strong_aus_from_rest_on_strangers(model: Exported) -> None:
    estimator = model.load("estimator", Context())
    estimates = estimator.predict(strangers(model)).intensity.view(PEOPLE, -1, len(AUS))
    rest, *shown = estimates.unbind(1)
    assert float(rest.mean(0).max()) < 1.5
    for au, strong in zip(SHOWN, shown, strict=True):
        column = AUS.index(au)
        assert float((strong[:, column] - rest[:, column]).mean()) > 1, au


def test_a_photo_is_read_without_a_run(face_landmarker: Path, tmp_path: Path) -> None:
    photo = tmp_path / "astronaut.png"
    photo.write_bytes(encode(torch.from_numpy(astronaut()).permute(2, 0, 1)[None])[0])
    words = ["predict", photo, "-o", tmp_path / "out", "--landmarker.weights", face_landmarker]
    assert main([str(word) for word in words]) == 0
    (row,) = read_table(tmp_path / "out" / "predictions.parquet").to_pylist()
    estimates = {au: row[f"{au}_predicted"] for au in AUS}
    # She smiles, and shows her teeth.
    assert max(estimates, key=lambda au: estimates[au]) == "AU12"
    assert estimates["AU12"] > 2
    assert estimates["AU04"] < 0.5 > estimates["AU15"]


def strangers(model: Exported) -> FaceBatch:
    """Each person at rest, and with each of `SHOWN` alone at full strength."""
    data = Strangers(StrangersConfig(train=0, valid=0, test=PEOPLE, seed=99), Context())
    levels = torch.zeros(1 + len(SHOWN), len(AUS))
    levels[range(1, len(levels)), [AUS.index(au) for au in SHOWN]] = 5
    studio = Otherness("odd")
    shots: list[Any] = [
        studio.portrait(data._draw_person(*who), levels, size=160, scene=row)
        for row, who in enumerate(data.subjects)
    ]
    images = [image for shot in shots for image in shot.images]
    points = [one for shot in shots for one in shot.landmarks]
    aligner = make(model.need("aligner"), Context())
    aligned = aligner.align(images, [face_of(one[None]) for one in points])
    blank = torch.zeros(len(images), len(AUS))
    return FaceBatch(
        ids=tuple(map(str, range(len(images)))),
        subjects=tuple(map(str, range(len(images)))),
        images=aligned.images,
        labels=Labels(AUS, blank, blank.bool()),
        landmarks=aligned.landmarks,
    )
