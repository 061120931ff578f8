"""The network against the same network written out in NumPy, loop by loop."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aukit_prnet.network import PositionMapNet

State = dict[str, np.ndarray]
EPSILON, DECAY = 1e-3, 0.999
ENCODER = [(64, 2), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)]
DECODER = [
    (512, 1), (256, 2), (256, 1), (256, 1), (128, 2), (128, 1), (128, 1), (64, 2), (64, 1), (64, 1),
    (32, 2), (32, 1), (16, 2), (16, 1), (3, 1), (3, 1), (3, 1),
]  # fmt: skip


def test_the_paper_s_network_has_as_many_parameters_as_published() -> None:
    network = PositionMapNet()

    assert sum(value.numel() for value in network.parameters()) == 13_353_618
    assert not [name for name, _ in network.named_parameters() if name.endswith("layer.bias")]
    assert {type(value) for value in network.modules() if "Norm2d" in type(value).__name__} == {
        torch.nn.BatchNorm2d
    }


@pytest.mark.parametrize("training", [False, True])
def test_it_computes_what_a_plain_reference_computes(training: bool) -> None:
    torch.manual_seed(1)
    network = _unsettled(PositionMapNet(width=2, resolution=64)).double().train(training)
    pictures = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    state = {name: value.numpy().copy() for name, value in network.state_dict().items()}

    expected = _Reference(state, training).run(pictures.numpy())

    assert np.allclose(network(pictures).detach().numpy(), expected, atol=1e-10)


def test_running_statistics_decay_as_tensorflow_s() -> None:
    torch.manual_seed(2)
    network = PositionMapNet(width=2, resolution=32).double()
    pictures = torch.rand(3, 3, 32, 32, dtype=torch.float64)
    kernel = next(network.parameters()).detach().numpy()
    mean = _conv_same(pictures.numpy(), kernel, 1).mean((0, 2, 3))

    network(pictures)

    moved = network.state_dict()["encoder.0.norm.running_mean"].numpy()
    assert np.allclose(moved, (1 - DECAY) * mean)


def test_the_resolution_does_not_change_the_parameters() -> None:
    small, large = PositionMapNet(2, 64), PositionMapNet(2, 96)
    large.load_state_dict(small.state_dict())

    assert large(torch.rand(1, 3, 96, 96)).shape == (1, 3, 96, 96)


@pytest.mark.parametrize(("width", "resolution"), [(0, 64), (2, 0), (2, 100)])
def test_impossible_networks_are_refused(width: int, resolution: int) -> None:
    with pytest.raises(ValueError, match="multiple of 32"):
        PositionMapNet(width, resolution)


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match="64"):
        PositionMapNet(2, 64)(torch.rand(1, 3, 32, 32))


def _unsettled(network: PositionMapNet) -> PositionMapNet:
    """Running statistics, scales and offsets that are neither 0 nor 1, as after a training."""
    for name, value in network.state_dict().items():
        if "running" in name or "norm" in name:
            value.copy_(0.5 + torch.rand_like(value.double()))
    return network


class _Reference:
    """The layers in their order, on NumPy arrays, reading weights by their position."""

    def __init__(self, state: State, training: bool) -> None:
        self._values = [value for name, value in state.items() if "num_batches" not in name]
        self._training = training

    def run(self, x: np.ndarray) -> np.ndarray:
        x = self._normalised(_conv_same(x, self._take(), 1))
        x = np.maximum(x, 0)
        for out, stride in [(32, 2), (32, 1), *ENCODER]:
            x = self._block(x, out // 8, stride)
        for out, stride in DECODER:
            kernel = self._take()
            assert kernel.shape[1] == (3 if out == 3 else out // 8)
            x = self._normalised(_transposed_same(x, kernel, stride))
            x = x if len(self._values) == 0 else np.maximum(x, 0)
        return 1 / (1 + np.exp(-x))

    def _block(self, x: np.ndarray, out: int, stride: int) -> np.ndarray:
        plain = stride == 1 and x.shape[1] == out
        shortcut = x if plain else _conv_same(x, self._take(), stride)
        y = np.maximum(self._normalised(_conv_same(x, self._take(), 1)), 0)
        y = np.maximum(self._normalised(_conv_same(y, self._take(), stride)), 0)
        y = _conv_same(y, self._take(), 1)
        return np.maximum(self._normalised(shortcut + y), 0)

    def _take(self) -> np.ndarray:
        return self._values.pop(0)

    def _normalised(self, x: np.ndarray) -> np.ndarray:
        scale, offset, mean, variance = (self._take() for _ in range(4))
        if self._training:
            mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3))
        shape = (1, -1, 1, 1)
        root = np.sqrt(variance.reshape(shape) + EPSILON)
        return (x - mean.reshape(shape)) / root * scale.reshape(shape) + offset.reshape(shape)


def _padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """What TensorFlow documents for SAME: (before, after)."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def _conv_same(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    side, size = kernel.shape[-1], x.shape[-1]
    margin = _padding(size, side, stride)
    padded = np.pad(x, ((0, 0), (0, 0), margin, margin))
    out = -(-size // stride)
    result = np.zeros((len(x), len(kernel), out, out))
    for row in range(side):
        for column in range(side):
            seen = padded[
                ..., row : row + out * stride : stride, column : column + out * stride : stride
            ]
            seen = seen[..., :out, :out]
            result += np.einsum("bihw,oi->bohw", seen, kernel[:, :, row, column])
    return result


def _transposed_same(x: np.ndarray, kernel: np.ndarray, stride: int) -> np.ndarray:
    """The gradient of `_conv_same` with respect to its input: every pixel stamps the kernel."""
    side, size = kernel.shape[-1], x.shape[-1]
    out = size * stride
    before, after = _padding(out, side, stride)
    canvas = np.zeros((len(x), kernel.shape[1], out + before + after, out + before + after))
    for row in range(size):
        for column in range(size):
            stamp = np.einsum("bi,iohw->bohw", x[:, :, row, column], kernel)
            top, left = row * stride, column * stride
            canvas[..., top : top + side, left : left + side] += stamp
    return canvas[..., before : before + out, before : before + out]
