"""Loads published weights of a classifier into everything but the last layer."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor, nn

from aukit.errors import DataError
from aukit.store.models import read_weights

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def load_all_but_last(module: nn.Module, last: str, path: Path, kind: str, hint: str) -> None:
    """Load a state dict with the module's own names.

    Args:
        module: module to load into.
        last: name of its last layer, which keeps its weights.
        path: a .safetensors or .pth file.
        kind: kind of network, for messages.
        hint: which published weights fit.

    Raises:
        DataError: the file cannot be read, or a tensor is missing or has a wrong shape.
    """
    # DenseNet weights were published with old names; rename them like torchvision.
    given = {_OLD_DENSENET.sub(r"\1\2", key): value for key, value in read_weights(path).items()}
    own = module.state_dict()
    taken: dict[str, Tensor] = {}
    for key, value in own.items():
        # Files from before 2018 lack this counter, which only cumulative averages need.
        if key.startswith(f"{last}.") or key.endswith("num_batches_tracked"):
            continue
        if key not in given:
            raise DataError(f"{path} has no tensor '{key}': it is not a {kind}", hint)
        if given[key].shape != value.shape:
            raise DataError(
                f"{path}: '{key}' is {tuple(given[key].shape)}, expected {tuple(value.shape)}", hint
            )
        taken[key] = given[key]
    module.load_state_dict(taken, strict=False)
