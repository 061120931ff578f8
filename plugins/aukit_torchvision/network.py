"""A classification network of torchvision whose last layer has the outputs of a head."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torchvision import models

from aukit.errors import DataError
from aukit.estimation.heads import Head
from aukit.estimation.network import Network
from aukit.estimation.pretrained import load_all_but_last

# Without the second classifiers, which would have classes of their own, and with pictures scaled as
# the published weights of these two want them.
_INCEPTION = {"aux_logits": False, "init_weights": True, "transform_input": True}


class Backbone(Network):
    """A network by its name in `torchvision.models`.

    The last linear layer (or convolution to classes, in a SqueezeNet) is replaced; everything
    before it keeps its names, so that published weights fit.

    Args:
        name: of the network.
        aus: number of AUs, A.
        size: side of the input, pixels; transformers are built for it.
        head: reads the last layer.

    Raises:
        DataError: the network cannot take pictures of this size.
    """

    def __init__(self, name: str, aus: int, size: int, head: Head) -> None:
        super().__init__(head)
        self.name, self.size = name, size
        try:
            self.net: nn.Module = models.get_model(name, weights=None, **_arguments(name, size))
            self.replaced = last_layer(self.net)
            put(self.net, self.replaced, _resized(self._last_layer(), aus * head.outputs))
            _drop_rectifiers(self.net, self.replaced)
            self._try()
        except (RuntimeError, ValueError, AssertionError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(
                f"backbone '{name}' cannot take pictures of {size} x {size}: {reason}",
                "choose another size: most were published for 224, transformers want a multiple "
                "of their patch",
            ) from error

    def last(self, images: Tensor) -> Tensor:
        """Numbers of the last layer, (B, A * outputs)."""
        numbers: Tensor = self.net(images)
        return numbers

    def seen(self, images: Tensor) -> Tensor:
        """(B, D) what goes into the last layer; the mean over the picture if it is a map."""
        shown: list[Tensor] = []
        hook = self._last_layer().register_forward_pre_hook(lambda _, given: shown.append(given[0]))
        try:
            self.net((images - self.mean) / self.std)
        finally:
            hook.remove()
        return shown[0].flatten(2).mean(2) if shown[0].ndim == 4 else shown[0]

    def load_published(self, path: Path) -> None:
        """Load torchvision's weights into everything but the last layer.

        Raises:
            DataError: the file cannot be read, or is of another network.
        """
        hint = f"the weights must be of {self.name}, and for a transformer of size {self.size}"
        load_all_but_last(self.net, self.replaced, path, self.name, hint)

    def _last_layer(self) -> nn.Module:
        return self.net.get_submodule(self.replaced)

    @torch.no_grad()
    def _try(self) -> None:
        """Show it an empty picture, without a trace in its statistics."""
        self.net.eval()
        self.net(torch.zeros(1, 3, self.size, self.size))
        self.net.train()


def _arguments(name: str, size: int) -> Mapping[str, Any]:
    """What the builder of a network needs beside its name."""
    if name.startswith("vit_"):
        return {"image_size": size}
    if name.startswith("maxvit_"):
        return {"input_size": (size, size)}
    return _INCEPTION if name in ("googlenet", "inception_v3") else {}


def last_layer(net: nn.Module) -> str:
    """Name of the last layer with weights, which all of torchvision's classifiers end in."""
    names = [str(n) for n, m in net.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))]
    return names[-1]


def put(net: nn.Module, name: str, module: nn.Module) -> None:
    """Replace a layer by its name."""
    parent, _, own = name.rpartition(".")
    setattr(net.get_submodule(parent), own, module)


def _drop_rectifiers(net: nn.Module, last: str) -> None:
    """Let numbers be negative where a rectifier follows the last layer (SqueezeNet)."""
    beside = net.get_submodule(last.rpartition(".")[0])
    if isinstance(net.get_submodule(last), nn.Conv2d):
        for name, module in beside.named_children():
            if isinstance(module, nn.ReLU):
                setattr(beside, name, nn.Identity())


def _resized(layer: nn.Module, outputs: int) -> nn.Module:
    """The same kind of layer with another number of outputs, starting near zero."""
    fresh: nn.Linear | nn.Conv2d
    if isinstance(layer, nn.Conv2d):
        fresh = nn.Conv2d(layer.in_channels, outputs, kernel_size=1)
    else:
        assert isinstance(layer, nn.Linear)
        fresh = nn.Linear(layer.in_features, outputs)
    nn.init.normal_(fresh.weight, 0, 0.01)
    if fresh.bias is not None:
        nn.init.zeros_(fresh.bias)
    return fresh
