"""Feature extractors, against torchvision, torch-fidelity where it is installed, and by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

from aukit.contracts.context import Context
from aukit.errors import DataError, MissingWeights
from aukit_judges import inception as inception_module
from aukit_judges.inception import InceptionJudge, build, resize
from aukit_judges.mobilenet import MEAN, STD, MobileNetJudge
from aukit_judges.plugin import InceptionConfig, MobileNetConfig

BY_PATH = Context(weights=Path)


@pytest.fixture(scope="module")
def faces() -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 3, 40, 40), generator=random, dtype=torch.uint8)


def lively(network: nn.Module) -> nn.Module:
    """Give batch normalizations statistics, as training would."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


@pytest.fixture(scope="module")
def inception_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    torch.save(lively(build()).network.state_dict(), path)
    return path


def test_mobilenet_features_are_those_that_torchvision_decides_by(
    faces: Tensor, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = lively(mobilenet_v2(weights=None))
    torch.save(network.state_dict(), tmp_path / "m.pth")
    judge = MobileNetJudge(MobileNetConfig(str(tmp_path / "m.pth")), BY_PATH)
    big = torch.nn.functional.interpolate(
        faces.float() / 255, (224, 224), mode="bilinear", antialias=True
    )
    seen: list[Tensor] = []
    network.classifier.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        network((big - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1))
    torch.testing.assert_close(judge.look(faces, torch.zeros(3, 68, 2)), seen[0])


def test_other_weights_than_mobilenets_are_refused(faces: Tensor, inception_weights: Path) -> None:
    judge = MobileNetJudge(MobileNetConfig(str(inception_weights)), BY_PATH)
    with pytest.raises(DataError, match="does not hold a MobileNetV2"):
        judge.look(faces, torch.zeros(3, 68, 2))


def test_inception_needs_weights_that_the_user_brings() -> None:
    with pytest.raises(MissingWeights, match="no bundled weights"):
        InceptionJudge(InceptionConfig(), BY_PATH)


def test_only_the_original_weights_make_an_fid(
    inception_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = InceptionConfig(str(inception_weights))
    (name,) = InceptionJudge(config, BY_PATH).names
    assert name.startswith("Fréchet distance, Inception v3 with weights ")
    monkeypatch.setattr(inception_module, "checksum", lambda path: "6726825d" + "0" * 56)
    assert InceptionJudge(config, BY_PATH).names == ("FID",)


def test_inception_features_are_pooled_and_do_not_count_the_padding(
    faces: Tensor, inception_weights: Path
) -> None:
    judge = InceptionJudge(InceptionConfig(str(inception_weights)), BY_PATH)
    assert judge.look(faces, torch.zeros(3, 68, 2)).shape == (3, 2048)
    ones = torch.ones(1, 1, 5, 5)
    assert inception_module._average(ones).equal(ones)


def test_inception_features_are_those_of_torch_fidelity(
    faces: Tensor, inception_weights: Path
) -> None:
    fidelity = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    theirs = fidelity.FeatureExtractorInceptionV3(
        "inception", ["2048"], feature_extractor_weights_path=str(inception_weights)
    )
    judge = InceptionJudge(InceptionConfig(str(inception_weights)), BY_PATH)
    with torch.no_grad():
        expected = theirs(faces)[0]
    torch.testing.assert_close(judge.look(faces, torch.zeros(3, 68, 2)), expected)


def test_pictures_are_resized_as_tensorflow_did() -> None:
    """Pixel i of the result lies at i * old / new; the last pixels repeat the border."""
    row = torch.tensor([0.0, 10.0, 30.0]).expand(1, 3, 3, 3)
    found = resize(row, 6)[0, 0, 0]
    assert found.tolist() == [0, 5, 10, 20, 30, 30]
