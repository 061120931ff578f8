"""The Inception network behind the Fréchet inception distance.

Heusel et al. (NIPS 2017) took the pool3 features of the Inception v3 that TensorFlow published on
2015-12-05. That network differs from torchvision's: averages leave the padding out, and the last
block takes maxima. Its port to PyTorch, `pt_inception-2015-12-05-6726825d.pth`, is provided by the
user; with any other weights the distance is not called FID.
"""

from __future__ import annotations

from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import inception

from aukit.contracts.context import Context
from aukit.contracts.judge import Measures
from aukit.errors import DataError, MissingWeights
from aukit.registry.weights import checksum
from aukit.store.models import read_weights
from aukit_judges.plugin import InceptionConfig

SIZE = 299
CLASSES = 1008
OFFICIAL = "6726825d"
"""How the SHA-256 of the port of the original weights begins."""


class InceptionJudge:
    """The 2048 pool3 features of Inception v3.

    Raises:
        MissingWeights: no path was given, or there is no file.
    """

    measures: Measures = "features"
    calibrated = False

    def __init__(self, config: InceptionConfig, context: Context) -> None:
        if not config.weights:
            raise MissingWeights(
                "judge 'inception' has no bundled weights",
                "provide pt_inception-2015-12-05-6726825d.pth: --judge.inception.weights FILE",
            )
        self._path = context.weights(config.weights)
        self._device = context.device

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The name of the distance: FID with the original weights only."""
        digest = checksum(self._path)
        if digest.startswith(OFFICIAL):
            return ("FID",)
        return (f"Fréchet distance, Inception v3 with weights {digest[:8]}",)

    @cached_property
    def _network(self) -> nn.Module:
        network = build()
        try:
            network.load_state_dict(read_weights(self._path))
        except RuntimeError as error:
            raise DataError(
                f"{self._path} does not hold the Inception network of the FID",
                "torchvision's own inception_v3 is another network",
            ) from error
        return network.eval().to(self._device)

    @torch.inference_mode()
    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """(B, 2048) float32 features of uint8 faces (B, 3, S, S)."""
        seen = resize(images.to(self._device).float(), SIZE)
        features: Tensor = self._network((seen - 128) / 128)
        return features.cpu()


def build() -> nn.Module:
    """Inception v3 as of 2015-12-05, without weights; from (B, 3, 299, 299) to (B, 2048)."""
    blocks = [
        *(inception.BasicConv2d, _InceptionA, inception.InceptionB, _InceptionC),
        *(inception.InceptionD, _InceptionE, inception.InceptionAux),
    ]
    network = inception.Inception3(
        CLASSES, aux_logits=False, inception_blocks=blocks, init_weights=False
    )
    network.Mixed_7c.pool = _largest
    return _Pooled(network)


class _Pooled(nn.Module):
    """An Inception network up to its last pooling; it loads the weights of the whole."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        seen = images
        for name, part in self.network.named_children():
            if name in ("avgpool", "dropout", "fc"):
                continue
            seen = part(seen)
        return seen.mean((2, 3))

    def load_state_dict(self, state: object, *args: object, **options: object) -> object:  # type: ignore[override]
        return self.network.load_state_dict(state, *args, **options)  # type: ignore[arg-type]


def _average(images: Tensor) -> Tensor:
    """Means of 3 x 3 pixels; at the border, of those that exist."""
    return functional.avg_pool2d(images, 3, 1, 1, count_include_pad=False)


def _largest(images: Tensor) -> Tensor:
    return functional.max_pool2d(images, 3, 1, 1)


class _InceptionA(inception.InceptionA):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        double = self.branch3x3dbl_3(self.branch3x3dbl_2(self.branch3x3dbl_1(x)))
        wide = self.branch5x5_2(self.branch5x5_1(x))
        return [self.branch1x1(x), wide, double, self.branch_pool(_average(x))]


class _InceptionC(inception.InceptionC):  # type: ignore[misc]
    def _forward(self, x: Tensor) -> list[Tensor]:
        single = self.branch7x7_3(self.branch7x7_2(self.branch7x7_1(x)))
        double = self.branch7x7dbl_3(self.branch7x7dbl_2(self.branch7x7dbl_1(x)))
        double = self.branch7x7dbl_5(self.branch7x7dbl_4(double))
        return [self.branch1x1(x), single, double, self.branch_pool(_average(x))]


class _InceptionE(inception.InceptionE):  # type: ignore[misc]
    pool = staticmethod(_average)

    def _forward(self, x: Tensor) -> list[Tensor]:
        single = self.branch3x3_1(x)
        double = self.branch3x3dbl_2(self.branch3x3dbl_1(x))
        split = [self.branch3x3_2a(single), self.branch3x3_2b(single)]
        split += [self.branch3x3dbl_3a(double), self.branch3x3dbl_3b(double)]
        return [self.branch1x1(x), *split, self.branch_pool(self.pool(x))]


def resize(images: Tensor, size: int) -> Tensor:
    """Square pictures at another size as TensorFlow 1 made it: bilinear, corner pixels at 0.

    Args:
        images: (B, 3, S, S) float.
        size: side of the result.
    """
    side = images.shape[-1]
    place = torch.arange(size, dtype=torch.float32, device=images.device) * (side / size)
    low = place.floor().long().clamp(max=side - 1)
    high, share = (low + 1).clamp(max=side - 1), place - low
    rows = torch.lerp(images[:, :, low], images[:, :, high], share[:, None])
    return torch.lerp(rows[..., low], rows[..., high], share)
