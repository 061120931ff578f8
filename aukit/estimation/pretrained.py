"""Published weights of a classifier, taken for everything but its last layer."""

from __future__ import annotations

import re
from pathlib import Path

from torch import Tensor, nn

from aukit.errors import DataError
from aukit.store.models import read_weights

_OLD_DENSENET = re.compile(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)")


def load_all_but_last(module: nn.Module, last: str, path: Path, kind: str, hint: str) -> None:
    """Load a state whose names are those of the module.

    Args:
        module: what takes the weights.
        last: name of its last layer, which keeps its own.
        path: a .safetensors or .pth file.
        kind: what the module is, for messages.
        hint: what published weights fit.

    Raises:
        DataError: the file cannot be read, lacks a tensor, or has one of another shape.
    """
    # The names that densenets had when their weights were published, as torchvision renames them.
    given = {_OLD_DENSENET.sub(r"\1\2", key): value for key, value in read_weights(path).items()}
    own = module.state_dict()
    taken: dict[str, Tensor] = {}
    for key, value in own.items():
        # Files from before 2018 do not count batches; nothing but the average of all needs it.
        if key.startswith(f"{last}.") or key.endswith("num_batches_tracked"):
            continue
        if key not in given:
            raise DataError(f"{path} has no tensor '{key}': it is no {kind}", hint)
        if given[key].shape != value.shape:
            raise DataError(
                f"{path}: '{key}' is {tuple(given[key].shape)}, not {tuple(value.shape)}", hint
            )
        taken[key] = given[key]
    module.load_state_dict(taken, strict=False)
