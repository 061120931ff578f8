"""The losses against loops, their gradients against differences, and the identity features."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor
from torchvision.models import vgg16

from aukit.errors import DataError
from aukit_lacgan import losses
from aukit_lacgan.features import ALPHAS, BLOCKS, Edges, Vgg, identity_error


def double(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()


def test_gradients_are_those_of_differences() -> None:
    check = torch.autograd.gradcheck
    assert check(losses.real, (double(3, 2),))
    assert check(losses.fake, (double(3, 2),))
    source, attention = double(2, 3, 4, 4, seed=1).detach(), double(2, 2, 4, 4).detach().abs()
    assert check(lambda x: losses.pixel(x, source, attention), (double(2, 2, 3, 4, 4),))
    assert check(losses.smoothness, (double(2, 3, 4, 4),))
    mask = torch.tensor([[True, False], [True, True]])
    assert check(lambda x: losses.over_aus(x, mask), (double(2, 2),))


def test_adversarial_losses_are_logarithms_of_the_critics_opinion() -> None:
    logits = torch.linspace(-4, 4, 9)
    opinion = torch.sigmoid(logits)
    torch.testing.assert_close(losses.real(logits), -opinion.log())
    torch.testing.assert_close(losses.fake(logits), -(1 - opinion).log())


def test_losses_add_up_over_coded_aus_and_average_over_faces() -> None:
    values = torch.tensor([[1.0, 2.0, float("nan")], [3.0, 4.0, 5.0]])
    mask = torch.tensor([[True, True, False], [False, True, True]])
    assert float(losses.over_aus(values, mask)) == pytest.approx((1 + 2 + 4 + 5) / 2)


def test_pixel_loss_is_a_mean_within_the_region() -> None:
    source, attention = torch.zeros(1, 3, 6, 6), torch.zeros(1, 2, 6, 6)
    attention[0, 0, 1:3, 1:3], attention[0, 1] = 1.0, 0.5
    restored = torch.zeros(1, 2, 3, 6, 6)
    restored[0, 0, :, 2:, :] = 0.6  # half of the first region, and much outside
    restored[0, 1, 0] = 0.3
    found = losses.pixel(restored, source, attention)
    assert found.flatten().tolist() == pytest.approx([0.3, 0.1])


def test_smoothness_is_the_mean_step() -> None:
    images = torch.arange(5.0).expand(1, 3, 5, 5) * 0.1
    assert float(losses.smoothness(images)) == pytest.approx(0.1)


def weights(folder: Path, names: str) -> tuple[Path, dict[str, Tensor]]:
    """Random weights of VGG16 under one of the two kinds of names."""
    torch.manual_seed(0)
    own = {f"features.{k}": v for k, v in vgg16().features.state_dict().items()}
    if names == "caffe":
        flat = [f"conv{b}_{n}" for b, count in enumerate(BLOCKS, 1) for n in range(1, count + 1)]
        places = sorted({int(key.split(".")[1]) for key in own})
        own = {
            f"{name}.{kind}": own[f"features.{place}.{kind}"]
            for name, place in zip(flat, places, strict=True) for kind in ("weight", "bias")
        }  # fmt: skip
    path = folder / f"{names}.safetensors"
    save_file(own, path)
    return path, own


def by_formula(given: dict[str, Tensor], images: Tensor) -> list[Tensor]:
    """Blocks of VGG-Face; what stands behind the second convolution of each."""
    x, found = images, []
    for block, count in enumerate(BLOCKS, 1):
        for number in range(1, count + 1):
            name = f"conv{block}_{number}"
            x = torch.nn.functional.conv2d(
                x, given[f"{name}.weight"], given[f"{name}.bias"], padding=1
            ).clamp_min(0)
            if number == 2:
                found.append(x)
        x = torch.nn.functional.max_pool2d(x, 2)
    return found


def test_vgg_faces_features_are_those_of_its_five_second_convolutions(tmp_path: Path) -> None:
    path, given = weights(tmp_path, "caffe")
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    rgb, bgr = Vgg(path, "rgb"), Vgg(path, "bgr")
    assert rgb.name == "VGG-Face"
    mean = torch.tensor([129.1863, 104.7624, 93.5940]).view(3, 1, 1)
    plain = (images + 1) / 2 * 255 - mean
    for features, input_ in ((rgb, plain), (bgr, plain[:, [2, 1, 0]])):
        for found, expected in zip(features(images), by_formula(given, input_), strict=True):
            torch.testing.assert_close(found, expected, atol=1e-3, rtol=1e-3)
    assert not any(weight.requires_grad for weight in rgb.parameters())


def test_torchvisions_weights_are_known_by_their_names(tmp_path: Path) -> None:
    path, given = weights(tmp_path, "torch")
    features = Vgg(path, "rgb")
    assert features.name == "VGG16 of ImageNet"
    images = torch.rand(1, 3, 32, 32) * 2 - 1
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    plain = ((images + 1) / 2 - mean.view(3, 1, 1)) / std.view(3, 1, 1)
    first = torch.nn.functional.conv2d(
        plain, given["features.0.weight"], given["features.0.bias"], padding=1
    ).clamp_min(0)
    second = torch.nn.functional.conv2d(
        first, given["features.2.weight"], given["features.2.bias"], padding=1
    ).clamp_min(0)
    torch.testing.assert_close(features(images)[0], second, atol=1e-4, rtol=1e-3)


def test_other_files_are_no_features(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"layer.weight": torch.zeros(3)}, path)
    with pytest.raises(DataError, match="does not hold the convolutions of VGG16"):
        Vgg(path, "rgb")
    path.write_bytes(b"cut")
    with pytest.raises(DataError, match="cannot be read"):
        Vgg(path, "rgb")


def test_identity_is_compared_by_weighted_features() -> None:
    class Means:
        name = "means"

        def __call__(self, images: Tensor) -> list[Tensor]:
            return [images.mean((1, 2, 3)) * (place + 1) for place in range(5)]

    source, painted = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.1)
    expected = sum(alpha * 0.1 * (place + 1) for place, alpha in enumerate(ALPHAS))
    assert float(identity_error(Means(), painted, source)) == pytest.approx(expected)


def test_edges_are_five_sizes_of_steps_and_fewer_on_small_pictures() -> None:
    images = torch.rand(2, 3, 64, 64)
    maps = Edges()(images)
    assert [m.shape[-1] for m in maps] == [63, 31, 15, 7, 3]
    torch.testing.assert_close(maps[0][:, :3, 5, 7], images[:, :, 5, 8] - images[:, :, 5, 7])
    torch.testing.assert_close(maps[0][:, 3:, 5, 7], images[:, :, 6, 7] - images[:, :, 5, 7])
    # Brightness alone is no edge.
    assert float(identity_error(Edges(), images + 0.3, images)) == pytest.approx(0, abs=1e-6)
    assert len(Edges()(torch.rand(1, 3, 8, 8))) == 2
    assert math.isfinite(
        float(identity_error(Edges(), torch.rand(1, 3, 8, 8), images[:1, :, :8, :8]))
    )
