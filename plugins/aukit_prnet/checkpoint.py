"""Maps weights published for other programs to our tensors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aukit.errors import DataError
from aukit.registry.weights import checksum
from aukit.store.models import read_weights
from aukit_prnet.bundle import Bundle
from aukit_prnet.network import PositionMapNet
from aukit_prnet.weights import fill

SCOPE = "resfcn256"
"""Name of the network in the published checkpoint, and of its variables' scope."""

_SUFFIXES = (".pth", ".pt")
_ENDING = re.compile(r"\.(index|data-\d{5}-of-\d{5})$")
_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
_INNER = {
    "shortcut": "shortcut",
    "squeeze.layer": "Conv",
    "squeeze.norm": "Conv/BatchNorm",
    "mix.layer": "Conv_1",
    "mix.norm": "Conv_1/BatchNorm",
    "expand": "Conv_2",
    "norm": "BatchNorm",
}


@dataclass(frozen=True)
class Published:
    """A network from a published checkpoint.

    Attributes:
        network: for pictures of the resolution asked for.
        sha256: of each file that it was read from, by name.
    """

    network: PositionMapNet
    sha256: Mapping[str, str]


def read(path: Path, resolution: int) -> Published:
    """Read a TensorFlow checkpoint, or a state dict of PyTorch (`.pth`, `.pt`).

    Args:
        path: of the `.pth`, or of the TensorFlow checkpoint, with or without the ending of one of
            its files.
        resolution: side of the pictures that the network was fitted on.

    Raises:
        DataError: a file is missing, damaged, or holds weights of another architecture; the message
            names the first tensor that does not fit.
    """
    if path.suffix in _SUFFIXES:
        tensors = _state_dict(path)
        network = PositionMapNet(_width(tensors), resolution)
        fill(network, _in_order(network, tensors, path), str(path))
        return Published(network.eval(), {path.name: checksum(path)})
    bundle = Bundle(path.with_name(_ENDING.sub("", path.name)))
    network = _from_bundle(bundle, resolution)
    return Published(network.eval(), {file.name: checksum(file) for file in bundle.files})


def variable(name: str) -> str:
    """The TensorFlow variable of a tensor of `PositionMapNet`."""
    part, number, *rest, kind = name.split(".")
    inner, index = ".".join(rest), int(number)
    if part == "decoder" or index == 0:
        scope = _numbered("Conv2d_transpose", index) if part == "decoder" else "Conv"
        scope += "/BatchNorm" if inner == "norm" else ""
    else:
        scope = f"{_numbered('resBlock', index - 1)}/{_INNER[inner]}"
    return f"{SCOPE}/{scope}/{_NORM[kind] if inner.endswith('norm') else 'weights'}"


def _numbered(name: str, index: int) -> str:
    return f"{name}_{index}" if index else name


def _from_bundle(bundle: Bundle, resolution: int) -> PositionMapNet:
    first = bundle.entries.get(f"{SCOPE}/Conv/weights")
    if first is None or len(first.shape) != 4:
        raise DataError(f"{bundle.prefix} is not a checkpoint of {SCOPE}: no {SCOPE}/Conv/weights")
    network = PositionMapNet(first.shape[-1], resolution)
    fill(network, {name: _variable(bundle, name) for name in _names(network)}, str(bundle.prefix))
    return network


def _variable(bundle: Bundle, name: str) -> Tensor:
    wanted = variable(name)
    if wanted not in bundle.entries:
        raise DataError(f"{bundle.prefix} are weights of another architecture: {wanted} is missing")
    values = torch.from_numpy(bundle.read(wanted))
    # Kernels: height, width, in and out (transposed convolutions: out and in) come the other way.
    return values.permute(3, 2, 0, 1) if values.ndim == 4 else values


def _names(network: PositionMapNet) -> Iterator[str]:
    return (name for name in network.state_dict() if not name.endswith("num_batches_tracked"))


def _state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a `.pth`, without the counters of batch normalisation."""
    found: Any = read_weights(path)
    while isinstance(found, dict) and isinstance(found.get("state_dict"), dict):
        found = found["state_dict"]
    if not isinstance(found, dict) or not all(isinstance(v, Tensor) for v in found.values()):
        raise DataError(f"{path} is not a state dict")
    return {k: v for k, v in found.items() if not k.endswith("num_batches_tracked")}


def _width(tensors: Mapping[str, Tensor]) -> int:
    first = next(iter(tensors.values()), torch.zeros(0))
    return len(first) if first.ndim == 4 and len(first) else 1


def _in_order(
    network: PositionMapNet, tensors: Mapping[str, Tensor], path: Path
) -> dict[str, Tensor]:
    """Tensors by our names.

    The ports name their modules as they like, but hold the same layers in the same order.
    """
    names = list(_names(network))
    for (theirs, value), ours in zip(tensors.items(), names, strict=False):
        wanted = network.state_dict()[ours].shape
        if theirs.rpartition(".")[2] != ours.rpartition(".")[2] or value.shape != wanted:
            raise DataError(
                f"{path} are weights of another architecture: {theirs} is {tuple(value.shape)} "
                f"where {ours} of shape {tuple(wanted)} is expected"
            )
    if len(tensors) != len(names):
        raise DataError(
            f"{path} are weights of another architecture: {len(tensors)} tensors instead of "
            f"{len(names)}"
        )
    return dict(zip(names, tensors.values(), strict=True))
