"""The networks, all AUs at once, against one AU at a time written as formulas."""

from __future__ import annotations

import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor
from torch.nn import functional as F

from aukit_lacgan.grouped import BatchNorm, GroupedLinear, halved
from aukit_lacgan.networks import (
    GlobalCritic,
    LatentCritics,
    LocalCritics,
    RegionGenerators,
    label_code,
)

AUS, SIZE, WIDTH, LATENT = 3, 20, 4, 6


def rows(weight: Tensor, au: int, per_group: int) -> Tensor:
    """The part of a grouped layer's weights that belongs to one AU."""
    return weight[au * per_group : (au + 1) * per_group]


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def generator_by_formula(
    net: RegionGenerators, au: int, region: Tensor, label: Tensor
) -> tuple[Tensor, Tensor]:
    """One CARG: five convolutions, z, label code, five deconvolutions; (B, 3, S, S), (B,)."""
    x = region
    for layer, channels in enumerate((4, 8, 16, 32, 64)):
        conv = net.encoder[layer]
        weight, bias = rows(conv.weight, au, channels), rows(conv.bias, au, channels)
        x = leaky(F.conv2d(x, weight, bias, stride=2, padding=2))
    z = torch.tanh(x.flatten(1) @ net.to_latent.weight[au] + net.to_latent.bias[au])
    code = torch.stack([v for _ in range(LATENT // 2) for v in (-label, label)], 1)
    y = torch.cat([z, code], 1) @ net.from_code.weight[au] + net.from_code.bias[au]
    y = leaky(y).view(len(region), 64, 1, 1)
    for layer, (before, after, side) in enumerate(
        ((64, 32, 2), (32, 16, 3), (16, 8, 5), (8, 4, 10), (4, 3, 20))
    ):
        deconv = net.decoder[layer]
        y = F.conv_transpose2d(
            y, rows(deconv.weight, au, before), rows(deconv.bias, au, after),
            stride=2, padding=2, output_padding=1 if side % 2 == 0 else 0,
        )  # fmt: skip
        assert y.shape[-1] == side
        y = leaky(y) if layer < 4 else y.tanh()
    return z, y


def shaken(net: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Every weight and bias some number, so that none can be left out unnoticed."""
    random = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in net.parameters():
            weight.add_(0.1 * torch.randn(weight.shape, generator=random))
    return net


def test_all_generators_at_once_are_each_of_them_alone() -> None:
    net = shaken(RegionGenerators(AUS, SIZE, WIDTH, LATENT))
    assert isinstance(net, RegionGenerators)
    regions = torch.randn(2, AUS, 3, SIZE, SIZE)
    labels = torch.rand(2, 2, AUS) * 2 - 1
    made = net(regions, labels)
    assert made.latent.shape == (2, AUS, LATENT)
    assert made.pictures.shape == (2, 2, AUS, 3, SIZE, SIZE)
    for au in range(AUS):
        for k in range(2):
            z, picture = generator_by_formula(net, au, regions[:, au], labels[:, k, au])
            torch.testing.assert_close(made.latent[:, au], z, atol=1e-5, rtol=1e-4)
            torch.testing.assert_close(made.pictures[:, k, au], picture, atol=1e-5, rtol=1e-4)


def local_by_formula(
    net: LocalCritics, au: int, region: Tensor, label: Tensor
) -> tuple[Tensor, Tensor]:
    x = region
    for layer, channels in enumerate((4, 8, 16, 32)):
        norm = net.norms[layer]
        x = F.conv2d(x, rows(net.layers[layer].weight, au, channels), stride=2, padding=2)
        mean, spread = x.mean((0, 2, 3), keepdim=True), x.var((0, 2, 3), False, keepdim=True)
        weight, bias = rows(norm.weight, au, channels), rows(norm.bias, au, channels)
        x = (x - mean) / (spread + 1e-5).sqrt() * weight.view(-1, 1, 1) + bias.view(-1, 1, 1)
        x = torch.where(x > 0, x, 0.2 * x)
    flat = x.flatten(1)
    code = torch.stack([v for _ in range(LATENT // 2) for v in (-label, label)], 1)
    hidden = torch.cat([flat, code], 1) @ net.joined.weight[au] + net.joined.bias[au]
    hidden = torch.where(hidden > 0, hidden, 0.2 * hidden)
    realism = hidden @ net.realism.weight[au] + net.realism.bias[au]
    return realism[:, 0], (flat @ net.regression.weight[au] + net.regression.bias[au])[:, 0]


def test_all_local_critics_at_once_are_each_of_them_alone() -> None:
    net = shaken(LocalCritics(AUS, SIZE, WIDTH, LATENT))
    assert isinstance(net, LocalCritics)
    regions, labels = torch.randn(5, AUS, 3, SIZE, SIZE), torch.rand(5, AUS) * 2 - 1
    verdict = net(regions, labels, "batch")
    for au in range(AUS):
        realism, label = local_by_formula(net, au, regions[:, au], labels[:, au])
        torch.testing.assert_close(verdict.realism[:, au], realism, atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(verdict.label[:, au], label, atol=1e-4, rtol=1e-3)


def test_a_blur_lies_in_front_of_all_that_local_critics_see() -> None:
    sharp = shaken(LocalCritics(AUS, SIZE, WIDTH, LATENT))
    soft = LocalCritics(AUS, SIZE, WIDTH, LATENT, blur=0.8)
    assert isinstance(sharp, LocalCritics)
    soft.load_state_dict(sharp.state_dict())
    regions, labels = torch.randn(5, AUS, 3, SIZE, SIZE), torch.rand(5, AUS) * 2 - 1
    spread = (0, 0, 0, 0.8, 0.8)
    filtered = torch.from_numpy(gaussian_filter(regions.numpy(), spread, mode="mirror", radius=3))
    for one, other in zip(
        soft(regions, labels, "batch"), sharp(filtered, labels, "batch"), strict=True
    ):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(soft.read(regions), sharp.read(filtered), atol=1e-4, rtol=1e-3)
    assert not torch.allclose(soft.read(regions), sharp.read(regions), atol=1e-2)


def test_the_regression_does_not_see_the_label() -> None:
    net = LocalCritics(AUS, SIZE, WIDTH, LATENT)
    regions = torch.randn(4, AUS, 3, SIZE, SIZE)
    one, other = (net(regions, torch.full((4, AUS), v), "batch") for v in (-1.0, 1.0))
    assert torch.equal(one.label, other.label)
    assert not torch.equal(one.realism, other.realism)


def test_latent_and_global_critics_are_their_formulas() -> None:
    latent, whole = shaken(LatentCritics(AUS, LATENT)), shaken(GlobalCritic(SIZE, WIDTH))
    assert isinstance(latent, LatentCritics)
    assert isinstance(whole, GlobalCritic)
    z = torch.randn(4, AUS, LATENT)
    assert [tuple(layer.weight.shape) for layer in latent.layers] == [
        (AUS, LATENT, 64), (AUS, 64, 32), (AUS, 32, 16), (AUS, 16, 1)
    ]  # fmt: skip
    for au in range(AUS):
        x = z[:, au]
        for place, layer in enumerate(latent.layers):
            x = x @ layer.weight[au] + layer.bias[au]
            x = torch.where(x > 0, x, 0.2 * x) if place < 3 else x
        torch.testing.assert_close(latent(z)[:, au], x[:, 0], atol=1e-4, rtol=1e-3)
    images = torch.randn(2, 3, SIZE, SIZE)
    y = images
    for layer in whole.layers:
        y = F.conv2d(y, layer.weight, layer.bias, 2, 2)
        y = torch.where(y > 0, y, 0.2 * y)
    expected = y.flatten(1) @ whole.realism.weight[0] + whole.realism.bias
    torch.testing.assert_close(whole(images), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("size", [8, 31, 48, 200])
def test_decoders_end_at_the_size_that_encoders_began_with(size: int) -> None:
    sides = halved(size, 5)
    assert sides[0] == size
    net = RegionGenerators(2, size, 1, 4)
    made = net(torch.zeros(1, 2, 3, size, size), torch.zeros(1, 1, 2))
    assert made.pictures.shape[-2:] == (size, size)


def test_networks_have_the_papers_layers() -> None:
    with torch.device("meta"):
        net, local = RegionGenerators(12, 200, 32, 60), LocalCritics(12, 200, 32, 60)
    convolutions = [*net.encoder, *net.decoder, *local.layers]
    assert len(convolutions) == 5 + 5 + 4
    assert all(c.kernel_size == (5, 5) and c.stride == (2, 2) for c in convolutions)
    assert [c.groups for c in convolutions] == [12] * 14
    assert net.to_latent.weight.shape == (12, 7 * 7 * 512, 60)
    assert net.from_code.weight.shape == (12, 60 + 60, 7 * 7 * 512)


def test_the_label_code_is_the_pair_over_and_over() -> None:
    code = label_code(torch.tensor([[1.0, -0.2]]), 6)
    torch.testing.assert_close(
        code, torch.tensor([[[-1.0, 1, -1, 1, -1, 1], [0.2, -0.2, 0.2, -0.2, 0.2, -0.2]]])
    )


def test_batch_normalization_tracks_only_what_it_is_told_to() -> None:
    ours, reference = BatchNorm(4), torch.nn.BatchNorm2d(4, momentum=0.1)
    maps = torch.randn(6, 4, 5, 5) * 3 + 1
    torch.testing.assert_close(ours(maps, "batch"), reference(maps), atol=1e-5, rtol=1e-4)
    assert not bool(ours.mean.any())
    ours(maps, "track")
    assert reference.running_mean is not None
    torch.testing.assert_close(ours.mean, reference.running_mean)
    expected = (maps - ours.mean.view(-1, 1, 1)) / (ours.variance.view(-1, 1, 1) + 1e-5).sqrt()
    torch.testing.assert_close(ours(maps, "running"), expected, atol=1e-5, rtol=1e-4)


def test_gradients_of_grouped_layers_are_those_of_differences() -> None:
    torch.manual_seed(0)
    linear = GroupedLinear(2, 3, 2).double()
    norm = BatchNorm(3).double()
    norm.forward = lambda maps, statistics: type(norm).forward(norm, maps, statistics)  # type: ignore[method-assign]
    x = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(linear, (x,))
    small = RegionGenerators(2, 8, 1, 2).double()
    regions = torch.randn(1, 2, 3, 8, 8, dtype=torch.float64, requires_grad=True)
    labels = torch.rand(1, 1, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda r: small(r, labels).pictures, (regions,))
