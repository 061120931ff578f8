"""The networks to the layer: parameter counts, and an independently written functional forward."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from aukit.synthesis.motion import moved
from aukit.vision.resize import resized
from aukit_ganimation.networks import Critic, Generator, repaint

Weights = dict[str, Tensor]


def parameters(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameter_counts_are_the_published_ones() -> None:
    with torch.device("meta"):
        assert parameters(Generator(17, attention=True)) == 8_471_296
        assert parameters(Critic(17, 128)) == 44_860_352
        # Without the attention branch exactly its 7x7 convolution is missing.
        assert parameters(Generator(17)) == 8_471_296 - 7 * 7 * 64


def generator_by_formula(
    weights: list[Tensor], blocks: int, images: Tensor, condition: Tensor
) -> Tensor:
    """Facts 1.2, written without modules; weights in the order of the layers."""
    queue = iter(weights)

    def normalized(x: Tensor) -> Tensor:
        scale, shift = next(queue).view(-1, 1, 1), next(queue).view(-1, 1, 1)
        mean = x.mean((2, 3), keepdim=True)
        variance = (x - mean).square().mean((2, 3), keepdim=True)
        return scale * (x - mean) / (variance + 1e-5).sqrt() + shift

    height, width = images.shape[2:]
    tiled = torch.stack(
        [torch.cat([i, *(a.expand(1, height, width) for a in c)])
         for i, c in zip(images, condition, strict=True)]
    )  # fmt: skip
    x = normalized(F.conv2d(tiled, next(queue), padding=3)).relu()
    for _ in range(2):
        x = normalized(F.conv2d(x, next(queue), stride=2, padding=1)).relu()
    for _ in range(blocks):
        y = normalized(F.conv2d(x, next(queue), padding=1)).relu()
        x = x + normalized(F.conv2d(y, next(queue), padding=1))
    for _ in range(2):
        x = normalized(F.conv_transpose2d(x, next(queue), stride=2, padding=1)).relu()
    colour = F.conv2d(x, next(queue), padding=3).tanh()
    mask = 1 / (1 + (-F.conv2d(x, next(queue), padding=3)).exp())
    assert next(queue, None) is None
    return mask * images + (1 - mask) * colour


def critic_by_formula(weights: list[Tensor], depth: int, images: Tensor) -> tuple[Tensor, Tensor]:
    x = images
    for layer in range(depth):
        kernel, bias = weights[2 * layer], weights[2 * layer + 1]
        x = F.conv2d(x, kernel, bias, stride=2, padding=1)
        x = torch.where(x > 0, x, 0.01 * x)
    aus = torch.einsum("bchw,nchw->bn", x, weights[2 * depth + 1])
    return F.conv2d(x, weights[2 * depth], padding=1), aus


def test_the_generator_is_its_formula_with_the_same_weights() -> None:
    torch.manual_seed(0)
    network = Generator(5, width=8, blocks=2, attention=True)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, 0.1, 0.3)
    images, condition = torch.rand(3, 3, 24, 24) * 2 - 1, torch.rand(3, 5)
    expected = generator_by_formula(list(network.parameters()), 2, images, condition)
    torch.testing.assert_close(network(images, condition).image, expected, atol=1e-4, rtol=1e-4)


def test_the_generator_without_attention_is_its_colour_branch() -> None:
    torch.manual_seed(0)
    whole, plain = Generator(2, 8, 1, attention=True), Generator(2, 8, 1)
    plain.load_state_dict({k: v for k, v in whole.state_dict().items() if "attention" not in k})
    images, condition = torch.rand(2, 3, 16, 16) * 2 - 1, torch.rand(2, 2)
    painting, mixed = plain(images, condition), whole(images, condition)
    assert painting.keep is None
    assert mixed.keep is not None
    rebuilt = mixed.keep * images + (1 - mixed.keep) * painting.image
    torch.testing.assert_close(mixed.image, rebuilt)


@pytest.mark.parametrize("attention", [False, True])
def test_by_difference_a_face_with_its_own_aus_stays_and_by_replacing_it_does_not(
    attention: bool,
) -> None:
    torch.manual_seed(0)
    network = Generator(2, 8, 1, attention)
    images, shown, wanted = torch.rand(2, 3, 16, 16) * 2 - 1, torch.rand(2, 2), torch.rand(2, 2)
    same = repaint(network, images, shown, shown, "difference", 16)
    torch.testing.assert_close(same.image, images)
    other = repaint(network, images, shown, wanted, "difference", 16)
    expected = images + network(images, wanted).image - network(images, shown).image
    torch.testing.assert_close(other.image, expected)
    replaced = repaint(network, images, shown, wanted, "replace", 16)
    torch.testing.assert_close(replaced.image, network(images, wanted).image)
    assert not torch.allclose(replaced.image, images, atol=1e-2)
    assert (other.keep is None) == (replaced.keep is None) == (not attention)
    if attention:
        assert other.keep is not None
        torch.testing.assert_close(other.keep, replaced.keep)


def test_by_motion_a_face_moves_and_keeps_what_small_networks_cannot_see() -> None:
    torch.manual_seed(0)
    network = Generator(2, 8, 1, motion=True)
    assert network.motion is not None
    images, shown, wanted = torch.rand(2, 3, 64, 64) * 2 - 1, torch.rand(2, 2), torch.rand(2, 2)
    same = repaint(network, images, shown, shown, "motion", 16)
    torch.testing.assert_close(same.image, images)
    torch.nn.init.normal_(network.motion.weight, 0.0, 1.0)
    torch.nn.init.zeros_(network.colour.weight)
    other = repaint(network, images, shown, wanted, "motion", 16)
    small = resized(images, 16)
    change = network(small, wanted).motion - network(small, shown).motion
    torch.testing.assert_close(other.motion, change)
    torch.testing.assert_close(other.image, moved(images, change))
    assert not torch.allclose(other.image, images, atol=0.1)


@pytest.mark.parametrize(("size", "depth", "patches"), [(128, 6, 2), (224, 6, 3), (64, 4, 4)])
def test_the_critic_is_its_formula_with_the_same_weights(
    size: int, depth: int, patches: int
) -> None:
    torch.manual_seed(0)
    network = Critic(4, size, width=2, depth=depth)
    for weight in network.parameters():
        torch.nn.init.normal_(weight, 0.0, 0.4)
    images = torch.rand(1, 3, size, size) * 2 - 1  # one face: nothing may be squeezed
    verdict = network(images)
    realism, aus = critic_by_formula(list(network.parameters()), depth, images)
    assert verdict.realism.shape == (1, 1, patches, patches)
    assert verdict.intensity.shape == (1, 4)
    torch.testing.assert_close(verdict.realism, realism, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(verdict.intensity, aus, atol=1e-4, rtol=1e-3)


def test_all_convolutions_start_as_published() -> None:
    torch.manual_seed(0)
    for network in (Generator(7, 32, 2, attention=True), Critic(7, 64, 32, 4)):
        for module in network.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                assert abs(float(module.weight.detach().mean())) < 3e-3
                assert float(module.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
                assert module.bias is None or not bool(module.bias.any())
    assert not any(m.bias is not None for m in Generator(7).modules() if hasattr(m, "stride"))
