"""Features of the identity loss between synthetic and input faces (eq. 4)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import vgg16

from aukit.errors import DataError
from aukit.store.models import read_weights

ALPHAS = (0.5, 0.9, 0.75, 1.0, 1.0)
"""Of conv1_2, conv2_2, conv3_2, conv4_2 and conv5_2 (section 4.1)."""
LAYERS = (2, 7, 12, 19, 26)
"""These convolutions among the layers of VGG16; their outputs are taken behind the rectifier."""
BLOCKS = (2, 2, 3, 3, 3)
"""Convolutions in each block of VGG16."""
VGG_FACE_MEAN = (129.1863, 104.7624, 93.5940)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SMALLEST = 4


class Features(Protocol):
    """A distance between pictures."""

    name: str

    def __call__(self, images: Tensor) -> list[Tensor]:
        """Maps of (B, 3, S, S) pictures in -1..1, fine ones first; one for each of `ALPHAS`."""
        ...


def identity_error(features: Features, painted: Tensor, source: Tensor) -> Tensor:
    """sum_l alpha_l L1(phi_l(Xt), phi_l(X)); each L1 is a mean."""
    with torch.no_grad():
        given = features(source)
    pairs = zip(ALPHAS, features(painted), given, strict=False)
    parts = [alpha * (new - old).abs().mean() for alpha, new, old in pairs]
    return torch.stack(parts).sum()


class Edges(nn.Module):
    """Substitute without weights: differences between neighbouring pixels, at five scales.

    Pictures that are too small for five sizes have fewer.
    """

    name = "edges"

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of (B, 3, S, S) pictures; steps to the right and down, 6 channels."""
        maps: list[Tensor] = []
        while len(maps) < len(ALPHAS) and images.shape[-1] >= SMALLEST:
            across = images[..., :-1, 1:] - images[..., :-1, :-1]
            down = images[..., 1:, :-1] - images[..., :-1, :-1]
            maps.append(torch.cat([across, down], 1))
            images = functional.avg_pool2d(images, 2)
        return maps


class Vgg(nn.Module):
    """The convolutions of a VGG16 that was trained on faces (VGG-Face) or on ImageNet.

    Args:
        path: tensors in VGG16's layout. Names `conv1_1.weight` mean VGG-Face, whose input is in
            0..255 less a mean; torchvision's names `features.0.weight` mean ImageNet.
        order: of the colours that VGG-Face weights expect; Caffe's own is `bgr`.

    Raises:
        DataError: the file cannot be read, or is of another network.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, path: Path, order: Literal["rgb", "bgr"]) -> None:
        super().__init__()
        given = read_weights(path)
        on_faces = "conv1_1.weight" in given
        with torch.device("meta"):
            layers = vgg16().features[: LAYERS[-1] + 2]
        layers = layers.to_empty(device="cpu")
        wanted = _renamed(given) if on_faces else given
        _load(layers, wanted, path)
        self.layers = layers.requires_grad_(False)
        self.flip = on_faces and order == "bgr"
        mean = torch.tensor(VGG_FACE_MEAN) if on_faces else 255 * torch.tensor(IMAGENET_MEAN)
        scale = torch.ones(3) if on_faces else 255 * torch.tensor(IMAGENET_STD)
        self.register_buffer("mean", mean.view(3, 1, 1))
        self.register_buffer("scale", scale.view(3, 1, 1))
        self.name = "VGG-Face" if on_faces else "VGG16 of ImageNet"

    def forward(self, images: Tensor) -> list[Tensor]:
        """Maps of (B, 3, S, S) pictures in -1..1, behind five rectifiers."""
        maps = ((images + 1) * 127.5 - self.mean) / self.scale
        maps = maps.flip(1) if self.flip else maps
        found = []
        for place, layer in enumerate(self.layers):
            maps = layer(maps)
            if place - 1 in LAYERS:
                found.append(maps)
        return found


def _renamed(given: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors named by block as torchvision names them, by place."""
    named, place = {}, 0
    for block, convolutions in enumerate(BLOCKS, 1):
        for number in range(1, convolutions + 1):
            for kind in ("weight", "bias"):
                if (key := f"conv{block}_{number}.{kind}") in given:
                    named[f"features.{place}.{kind}"] = given[key]
            place += 2  # the convolution and its rectifier
        place += 1  # the pooling
    return named


def _load(layers: nn.Module, given: Mapping[str, Tensor], path: Path) -> None:
    try:
        layers.load_state_dict({key: given[f"features.{key}"] for key in layers.state_dict()})
    except (KeyError, RuntimeError) as error:
        raise DataError(
            f"{path} does not hold the convolutions of VGG16: {error}",
            "give VGG-Face or torchvision's VGG16 without batch normalization",
        ) from error
