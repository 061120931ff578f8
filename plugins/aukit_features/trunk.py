"""A frozen classification network, read at several of its maps."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from copy import copy, deepcopy
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval
from torchvision import models
from torchvision.models.feature_extraction import create_feature_extractor

from aukit.errors import DataError
from aukit_features import lite

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's pictures; torchvision's published weights want them taken out."""


class Trunk(nn.Module):
    """Feature maps of a network, averaged over the cells of a grid.

    Of the network's blocks, the last at each resolution is read.

    Args:
        name: of the network in `torchvision.models`, or `efficientnet_lite0`.
        weights: published weights of the network, at least up to the last map; None for random
            ones.
        size: side of the input, pixels.
        strides: which maps are read: pixels of the input from one cell to the next.
        cells: side of the grid, at most; a coarser map is read as it is.

    Raises:
        DataError: the network has no such maps, or the weights are of another network.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        name: str,
        weights: Mapping[str, Tensor] | None,
        size: int,
        strides: Sequence[int],
        cells: int,
    ) -> None:
        super().__init__()
        self.size, self.cells = size, cells
        net = _lite(weights) if name == lite.NAME else _network(name)
        shapes = {
            round(size / shape[2]): (block, shape) for block, shape in _maps(net, size).items()
        }
        if missing := [stride for stride in strides if stride not in shapes]:
            raise DataError(
                f"backbone '{name}' has no map of stride {missing[0]} at {size} pixels",
                f"it has {', '.join(map(str, shapes)) or 'none: choose a convolutional network'}",
            )
        chosen = dict(shapes[stride] for stride in strides)
        self.net = create_feature_extractor(net, list(chosen))
        if weights is not None and name != lite.NAME:
            _fill(self.net, name, weights)
        self.channels = [channels for channels, _, _ in chosen.values()]
        self.widths = [
            channels * min(cells, height) * min(cells, width)
            for channels, height, width in chosen.values()
        ]
        mean, std = (lite.MEAN, lite.STD) if name == lite.NAME else (MEAN, STD)
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.eval()

    def forward(self, images: Tensor) -> Tensor:
        """(B, D) from (B, 3, S, S) float in 0..1; D is the sum of `widths`."""
        seen: Mapping[str, Tensor] = self.net((images - self.mean) / self.std)
        return torch.cat([self._pooled(one) for one in seen.values()], 1)

    def fused(self) -> Trunk:
        """The same network, with its batch normalizations within the convolutions before them.

        It is for use, not to be saved, and equal to rounding. On a CPU it takes half the time.
        """
        other = copy(self)
        other._modules = {**self._modules, "net": _fused(self.net)}
        return other

    def _pooled(self, seen: Tensor) -> Tensor:
        height, width = (min(self.cells, side) for side in seen.shape[2:])
        return functional.adaptive_avg_pool2d(seen, (height, width)).flatten(1)


def _network(name: str) -> nn.Module:
    net: nn.Module = models.get_model(name, weights=None, **_WITHOUT.get(name, {}))
    return net.eval()


def _lite(weights: Mapping[str, Tensor] | None) -> nn.Module:
    net = lite.Lite0()
    if weights is not None:
        try:
            net.load_published(weights)
        except RuntimeError as error:
            raise DataError(f"the weights are not those of '{lite.NAME}'") from error
    return net.eval()


def _fill(net: nn.Module, name: str, weights: Mapping[str, Tensor]) -> None:
    """Load the weights of the layers that are there; a file may hold more."""
    try:
        net.load_state_dict({key: weights[key] for key in net.state_dict() if key in weights})
    except RuntimeError as error:
        raise DataError(
            f"the weights are not those of '{name}', or end before the last map that is read",
            "choose smaller strides, or weights of the whole network",
        ) from error


def _fused(net: fx.GraphModule) -> nn.Module:
    result = deepcopy(fx.GraphModule(net, net.graph))
    steps = [module for module in result.modules() if isinstance(module, nn.Sequential)]
    for step in steps:
        for (name, _), (after, _) in itertools.pairwise(list(step.named_children())):
            _join(step, name, after)
    for node in result.graph.nodes:
        before = node.args[0] if node.op == "call_module" else None
        if isinstance(before, fx.Node) and before.op == "call_module" and len(before.users) == 1:
            _join(result, str(before.target), str(node.target))
    return result.eval().to(memory_format=torch.channels_last)


def _join(net: nn.Module, name: str, after: str) -> None:
    """Put a normalization into the convolution that alone comes before it."""
    conv, norm = net.get_submodule(name), net.get_submodule(after)
    if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
        net.set_submodule(name, fuse_conv_bn_eval(conv.eval(), norm.eval()))
        net.set_submodule(after, nn.Identity())


_WITHOUT: Mapping[str, Any] = {
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
}


@torch.inference_mode()
def _maps(net: nn.Module, size: int) -> dict[str, tuple[int, int, int]]:
    """Block -> (channels, height, width) of what it shows: the last at each resolution."""
    shown: dict[tuple[int, int], tuple[str, int]] = {}

    def watch(name: str) -> Any:
        def look(_: nn.Module, __: Any, output: Any) -> None:
            if isinstance(output, Tensor) and output.ndim == 4 and output.shape[-1] > 1:
                resolution = (output.shape[2], output.shape[3])
                shown[resolution] = (name, output.shape[1])

        return look

    hooks = [block.register_forward_hook(watch(name)) for name, block in _blocks(net)]
    try:
        net(torch.zeros(1, 3, size, size))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise DataError(f"the backbone cannot take pictures of {size} pixels: {error}") from error
    finally:
        for hook in hooks:
            hook.remove()
    return {name: (channels, *resolution) for resolution, (name, channels) in shown.items()}


def _blocks(net: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The network's children; of a sequence `features`, its members."""
    for name, child in net.named_children():
        if isinstance(child, nn.Sequential) and name == "features":
            yield from ((f"{name}.{own}", block) for own, block in child.named_children())
        else:
            yield name, child
