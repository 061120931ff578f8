"""VGG16: the layers of the paper, published weights, the planned training set, bad input."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torchvision
from safetensors.torch import save_file
from torch.nn import functional

from aukit.contracts.context import Context
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.errors import DataError
from aukit.estimation.fit import Fit
from aukit.estimation.heads import Softmax
from aukit_vgg.estimator import VggEstimator
from aukit_vgg.network import Vgg16
from aukit_vgg.plugin import VggConfig

SMALL = VggConfig(
    networks="shared", size=32, width=0.125, batch_norm=True, learning_rate=3e-3, epochs=1, ticks=1,
    labels="planned", lead_in=0.0, decay="none", dropout=0.5,
)  # fmt: skip
AUS = ("AU01", "AU12")


class Bars:
    """Faces in memory: the height of a bright bar is the level of AU12, its width that of AU01."""

    def __init__(self, count: int, coded: bool = True) -> None:
        generator = torch.Generator().manual_seed(0)
        levels = torch.randint(0, 6, (count, 2), generator=generator).float()
        row, column = torch.meshgrid(torch.arange(32), torch.arange(32), indexing="ij")
        tall = row >= 31 - 5 * levels[:, 1].view(-1, 1, 1)
        wide = column <= 1 + 5 * levels[:, 0].view(-1, 1, 1)
        images = torch.stack([tall, wide, tall & wide], 1).to(torch.uint8) * 220
        mask = torch.ones(count, 2, dtype=torch.bool)
        if not coded:
            mask[::2, 0] = False
        self.aus = AUS
        self.labels = Labels(AUS, levels * mask, mask)
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: list[int]) -> FaceBatch:
        rows = list(indices)
        return FaceBatch(
            ids=tuple(map(str, rows)),
            subjects=("d/train/p",) * len(rows),
            images=self.images[rows],
            labels=self.labels.take(rows),
            landmarks=torch.zeros(len(rows), 68, 2),
        )


def fitted(config: VggConfig, faces: Bars, folder: Path, counts: torch.Tensor) -> VggEstimator:
    estimator = VggEstimator(config, Context())
    folder.mkdir(exist_ok=True)
    estimator.fit(TrainingSet(faces, counts), None, Session(folder))
    return estimator


def test_at_full_width_it_is_torchvisions_vgg16_up_to_the_last_layer(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = torchvision.models.vgg16(weights=None).eval()
    torch.save(published.state_dict(), tmp_path / "vgg16.pth")
    own = Vgg16(12, 224, 1.0, 0.5, False, Softmax()).eval()
    own.load_published(tmp_path / "vgg16.pth")
    with torch.inference_mode():
        images = torch.rand(1, 3, 224, 224)
        mean = torch.tensor((0.485, 0.456, 0.406)).view(3, 1, 1)
        std = torch.tensor((0.229, 0.224, 0.225)).view(3, 1, 1)
        hidden = published.features((images - mean) / std)
        hidden = published.classifier[:-1](published.avgpool(hidden).flatten(1))
        expected = functional.linear(hidden, own.classifier[6].weight, own.classifier[6].bias)
        torch.testing.assert_close(own(images).flatten(1), expected)
    assert own(images).shape == (1, 12, 6)


def test_the_first_two_convolutions_stay_frozen_with_published_weights() -> None:
    network = Vgg16(1, 32, 0.125, 0.5, False, Softmax())
    network.freeze(VggConfig().frozen)
    convolutions = [m for m in network.features if isinstance(m, torch.nn.Conv2d)]
    assert [c.weight.requires_grad for c in convolutions] == [False] * 2 + [True] * 11


def test_weights_of_another_width_and_pickled_objects_are_refused(tmp_path: Path) -> None:
    narrow = Vgg16(1, 64, 0.125, 0.5, False, Softmax())
    save_file(narrow.state_dict(), tmp_path / "narrow.safetensors")
    with pytest.raises(DataError, match=r"fit width 1"):
        Vgg16(1, 64, 0.25, 0.5, False, Softmax()).load_published(tmp_path / "narrow.safetensors")
    with (tmp_path / "evil.pth").open("wb") as file:
        pickle.dump(print, file)
    with pytest.raises(DataError, match=r"evil\.pth"):
        narrow.load_published(tmp_path / "evil.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08")
    with pytest.raises(DataError, match="cannot be read"):
        narrow.load_published(tmp_path / "cut.safetensors")


def test_each_au_sees_exactly_its_planned_training_set(tmp_path: Path) -> None:
    """The shared trunk's weighted batches add up to the plan's counts, AU by AU."""
    faces = Bars(10)
    counts = torch.tensor([[float(i % 4), float(i % 3)] for i in range(10)])
    config = replace(SMALL, batch=4)
    network = Vgg16(2, 32, 0.125, 0.5, True, Softmax())
    fit = Fit(config, network, [0, 1], TrainingSet(faces, counts), None, Session(tmp_path))
    seen = torch.zeros(10, 2)
    for row in fit.order(0).tolist():
        seen[row] += fit.uses.weights[row]
    torch.testing.assert_close(seen, counts)


@pytest.mark.parametrize("networks", ["shared", "per-au"])
def test_it_learns_saves_and_predicts_independently_of_the_batch(
    tmp_path: Path, networks: str
) -> None:
    faces = Bars(120)
    config = replace(SMALL, networks=networks, epochs=20, dropout=0.0, batch=24)
    estimator = fitted(config, faces, tmp_path / "fit", torch.ones(120, 2))
    batch = faces.batch(list(range(120)))
    prediction = estimator.predict(batch)
    assert prediction.intensity.shape == (120, 2)
    assert ((prediction.intensity >= 0) & (prediction.intensity <= 5)).all()
    truth = faces.labels.values
    for column in range(2):
        correlation = torch.corrcoef(
            torch.stack([truth[:, column], prediction.intensity[:, column]])
        )
        assert correlation[0, 1] > 0.6
    singly = torch.cat([estimator.predict(faces.batch([i])).intensity for i in range(6)])
    torch.testing.assert_close(singly, prediction.intensity[:6], rtol=1e-4, atol=1e-4)

    (tmp_path / "model").mkdir()
    estimator.save(tmp_path / "model")
    loaded = VggEstimator(VggConfig(), Context())
    loaded.load(tmp_path / "model")
    assert loaded.aus == AUS
    assert torch.equal(loaded.predict(batch).level, prediction.level)


def test_what_a_masked_label_says_changes_nothing(tmp_path: Path) -> None:
    results = []
    for value in (0.0, 5.0):
        faces = Bars(48, coded=False)
        faces.labels.values[~faces.labels.mask] = value
        config = replace(SMALL, epochs=2)
        estimator = fitted(config, faces, tmp_path / str(value), torch.ones(48, 2))
        results.append(estimator.predict(faces.batch(list(range(8)))).intensity)
    assert torch.equal(*results)


def test_an_au_without_training_frames_is_named(tmp_path: Path) -> None:
    counts = torch.ones(20, 2)
    counts[:, 1] = 0
    with pytest.raises(DataError, match="no training frame for AU12"):
        fitted(SMALL, Bars(20), tmp_path, counts)


def test_a_model_cut_in_half_is_named(tmp_path: Path) -> None:
    estimator = fitted(SMALL, Bars(40), tmp_path / "fit", torch.ones(40, 2))
    (tmp_path / "model").mkdir()
    estimator.save(tmp_path / "model")
    path = tmp_path / "model" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataError, match="cannot be read"):
        VggEstimator(VggConfig(), Context()).load(tmp_path / "model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 16}, "size must be at least 32"),
        ({"width": 0.0}, "width"),
        ({"frozen": 14}, "13 convolutions"),
        ({"dropout": 1.0}, "dropout"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"epochs": 0}, "epochs"),
    ],
)
def test_impossible_options_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(VggConfig(), **change)
