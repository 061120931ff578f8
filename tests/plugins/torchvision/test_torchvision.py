"""Networks of torchvision by name: last layers, published weights, sizes, bad input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torchvision import models

from aukit.config.choice import build
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.session import Session
from aukit.errors import ConfigError, DataError
from aukit.estimation.heads import Regression, Softmax
from aukit.estimation.pretrained import load_all_but_last
from aukit.testing.drawn import DrawnFaces
from aukit_torchvision.estimator import TorchvisionEstimator
from aukit_torchvision.network import Backbone
from aukit_torchvision.plugin import TorchvisionConfig, aukit_estimators

SMALL = TorchvisionConfig(
    backbone="shufflenet_v2_x0_5", networks="shared", size=32, batch=8, epochs=1, ticks=1,
    labels="planned", lead_in=0.0, decay="none",
)  # fmt: skip
FAMILIES = {
    "alexnet": ("classifier.6", 4096),
    "densenet121": ("classifier", 1024),
    "efficientnet_b0": ("classifier.1", 1280),
    "googlenet": ("fc", 1024),
    "mnasnet0_5": ("classifier.1", 1280),
    "mobilenet_v3_small": ("classifier.3", 1024),
    "regnet_x_400mf": ("fc", 400),
    "resnet18": ("fc", 512),
    "shufflenet_v2_x0_5": ("fc", 1024),
    "squeezenet1_1": ("classifier.1", 512),
    "swin_t": ("head", 768),
}
"""Backbone -> its last layer in torchvision's source, and how many numbers go into it."""


@pytest.mark.parametrize("name", FAMILIES)
def test_the_last_layer_of_each_family_is_replaced(name: str) -> None:
    last, width = FAMILIES[name]
    backbone = Backbone(name, 3, 64, Softmax()).eval()
    assert backbone.replaced == last
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert backbone(images).shape == (2, 3, 6)
        assert backbone.seen(images).shape == (2, width)
    classes = [m for m in backbone.modules() if getattr(m, "out_features", 0) == 1000]
    assert classes == []


def test_what_is_seen_is_what_the_last_layer_reads() -> None:
    torch.manual_seed(0)
    backbone = Backbone("resnet18", 2, 64, Regression()).eval()
    images = torch.rand(3, 3, 64, 64)
    with torch.inference_mode():
        expected = nn.functional.linear(
            backbone.seen(images), backbone.net.fc.weight, backbone.net.fc.bias
        )
        torch.testing.assert_close(backbone(images)[..., 0], expected + 2.5)


def test_published_weights_give_the_published_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = models.resnet18(weights=None).eval()
    torch.save(published.state_dict(), tmp_path / "resnet18.pth")
    config = replace(SMALL, backbone="resnet18", weights="resnet18.pth", size=64)
    estimator = TorchvisionEstimator(config, Context(weights=lambda ref: tmp_path / ref))
    estimator.aus = ("AU01", "AU12")
    own = estimator._fresh([0, 1], Session(tmp_path)).eval()
    published.fc = nn.Identity()
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        expected = published((images - own.mean) / own.std)
        torch.testing.assert_close(own.seen(images), expected)


def test_squeezenets_numbers_may_be_negative() -> None:
    backbone = Backbone("squeezenet1_1", 4, 64, Regression()).eval()
    nn.init.constant_(backbone.net.classifier[1].bias, -1000.0)
    with torch.inference_mode():
        assert float(backbone(torch.rand(1, 3, 64, 64)).max()) < 0


def test_weights_of_another_architecture_are_refused(tmp_path: Path) -> None:
    save_file(models.resnet18(weights=None).state_dict(), tmp_path / "18.safetensors")
    save_file(models.squeezenet1_1(weights=None).state_dict(), tmp_path / "sq.safetensors")
    backbone = Backbone("resnet18", 2, 64, Softmax())
    with pytest.raises(DataError, match=r"no tensor 'conv1.weight': it is not a resnet18"):
        backbone.load_published(tmp_path / "sq.safetensors")
    with pytest.raises(DataError, match=r"no tensor '.*': it is not a resnet34"):
        Backbone("resnet34", 2, 64, Softmax()).load_published(tmp_path / "18.safetensors")
    with pytest.raises(DataError, match=r"layer1.0.conv1.weight' is \(64, 64, 3, 3\), expected"):
        Backbone("resnet50", 2, 64, Softmax()).load_published(tmp_path / "18.safetensors")
    with pytest.raises(DataError, match="cannot be read"):
        backbone.load_published(tmp_path / "missing.pth")


def test_weights_of_a_transformer_at_another_size_are_refused(tmp_path: Path) -> None:
    small = {"patch_size": 16, "num_layers": 1, "num_heads": 1, "hidden_dim": 8, "mlp_dim": 8}
    published = models.VisionTransformer(image_size=32, **small)
    save_file(published.state_dict(), tmp_path / "vit.safetensors")
    wider = models.VisionTransformer(image_size=64, **small)
    with pytest.raises(DataError, match="pos_embedding"):
        load_all_but_last(wider, "heads.head", tmp_path / "vit.safetensors", "vit", "size 32")


def test_densenets_published_names_are_understood(tmp_path: Path) -> None:
    block = nn.Sequential()
    block.denselayer1 = nn.Sequential()
    block.denselayer1.norm1 = nn.BatchNorm2d(4)
    state = {
        key.replace("norm1", "norm.1"): torch.full_like(value, 3)
        for key, value in block.state_dict().items()
        if "num_batches" not in key
    }
    save_file(state, tmp_path / "old.safetensors")
    load_all_but_last(block, "classifier", tmp_path / "old.safetensors", "densenet", "")
    assert bool((block.denselayer1.norm1.weight == 3).all())


@pytest.mark.parametrize(("name", "size"), [("alexnet", 32), ("inception_v3", 32)])
def test_sizes_that_a_backbone_cannot_take_are_named(name: str, size: int) -> None:
    with pytest.raises(DataError, match=rf"backbone '{name}' cannot take pictures of {size}"):
        Backbone(name, 2, size, Softmax())


def test_a_transformer_wants_a_multiple_of_its_patch() -> None:
    with pytest.raises(DataError, match=r"cannot take pictures of 50 x 50.*divisible"):
        Backbone("vit_b_32", 2, 50, Softmax())


def options(**values: Any) -> Any:
    component = aukit_estimators()[0]
    return build(component, [{key: Value(raw, "test") for key, raw in values.items()}])[0]


def test_unknown_backbones_are_refused_with_suggestions() -> None:
    assert options(backbone="convnext_tiny").backbone == "convnext_tiny"
    with pytest.raises(ConfigError, match=r"no classification network 'resnet19'.*resnet18"):
        options(backbone="resnet19")
    with pytest.raises(ConfigError, match=r"known: alexnet, "):
        options(backbone="####")
    # A network for another task is none for classification.
    with pytest.raises(ConfigError, match="no classification network 'fcn_resnet50'"):
        options(backbone="fcn_resnet50")


def test_frozen_convolutions_stay_as_published(tmp_path: Path) -> None:
    torch.save(models.shufflenet_v2_x0_5(weights=None).state_dict(), tmp_path / "w.pth")
    config = replace(SMALL, weights="w.pth", frozen=2, learning_rate=1e-2)
    estimator = TorchvisionEstimator(config, Context(weights=lambda ref: tmp_path / ref))
    faces = DrawnFaces(16)
    (tmp_path / "fit").mkdir()
    estimator.fit(TrainingSet(faces, faces.labels.mask.float()), None, Session(tmp_path / "fit"))
    given = torch.load(tmp_path / "w.pth", weights_only=True)
    state = estimator.networks[0].state_dict()
    assert torch.equal(state["net.conv1.0.weight"], given["conv1.0.weight"])
    assert not torch.equal(state["net.conv5.0.weight"], given["conv5.0.weight"])


def test_an_au_without_training_frames_is_named(tmp_path: Path) -> None:
    faces = DrawnFaces(8)
    counts = faces.labels.mask.float()
    counts[:, 1] = 0
    with pytest.raises(DataError, match=f"no training frame for {faces.aus[1]}"):
        TorchvisionEstimator(SMALL, Context()).fit(
            TrainingSet(faces, counts), None, Session(tmp_path)
        )


@pytest.mark.parametrize("head", ["softmax", "ordinal", "regression"])
def test_it_saves_and_loads_with_every_head(tmp_path: Path, head: Any) -> None:
    estimator = TorchvisionEstimator(replace(SMALL, head=head), Context())
    faces, valid = DrawnFaces(16), DrawnFaces(8, partition="valid", seed=1)
    (tmp_path / "fit").mkdir()
    session = Session(tmp_path / "fit")
    estimator.fit(TrainingSet(faces, faces.labels.mask.float()), valid, session)
    (tmp_path / "model").mkdir()
    estimator.save(tmp_path / "model")
    loaded = TorchvisionEstimator(TorchvisionConfig(), Context())
    loaded.load(tmp_path / "model")
    batch = faces.batch(range(16))
    first, second = estimator.predict(batch), loaded.predict(batch)
    assert torch.equal(first.intensity, second.intensity)
    assert torch.equal(first.level, second.level)
    assert torch.equal(estimator.features(batch), loaded.features(batch))
