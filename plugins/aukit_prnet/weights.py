"""Weights of PRNet in files: a network, the layout that belongs to it, and a card.

`NAME.safetensors` holds the tensors of the network, and those of the layout (`layout.*`) where it
is not ours; `NAME.json` beside it is the card: width, resolution, layout, crop, licence, origin.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from aukit.errors import DataError, MissingWeights
from aukit.registry.weights import checksum
from aukit.store.files import write_json
from aukit.store.models import read_weights, save_tensors
from aukit_prnet.layout import Layout
from aukit_prnet.layout_data import OURS
from aukit_prnet.network import PositionMapNet

FORMAT = "aukit-prnet/1"
UPRIGHT = "upright"
"""In a card, as `crop`: the network expects level eyes."""

PACKAGED = Path(__file__).parent / "data" / "prnet.safetensors"

_LAYOUT = "layout."
_STORED = ("texels", "canonical", "landmarks", "landmark_weights")
_COUNTER = "num_batches_tracked"


@dataclass(frozen=True)
class Weights:
    """What a file holds.

    Attributes:
        network: float32, on the CPU, in evaluation mode.
        layout: layout of its maps.
        card: see the module.
        sha256: SHA-256 of the file of tensors.
    """

    network: PositionMapNet
    layout: Layout
    card: Mapping[str, Any]
    sha256: str

    @property
    def upright(self) -> bool:
        """Whether the crop is rotated by the line of the eyes."""
        return self.card.get("crop") == UPRIGHT


def save(path: Path, network: PositionMapNet, card: Mapping[str, Any], layout: Layout) -> None:
    """Write weights, float32, and their card.

    Args:
        path: of the safetensors file.
        network: network to write.
        card: card entries besides format, width, resolution and layout.
        layout: layout of its maps.
    """
    tensors = {k: v for k, v in network.state_dict().items() if not k.endswith(_COUNTER)}
    if layout.name != OURS:
        tensors |= {_LAYOUT + k: v for k, v in vars(layout).items() if k in _STORED}
    save_tensors(path, {k: v.detach().cpu().contiguous() for k, v in tensors.items()})
    about = {
        "format": FORMAT,
        "width": network.width,
        "resolution": network.resolution,
        "layout": layout.name,
        "depth": layout.depth,
    }
    write_json(path.with_suffix(".json"), {**about, **card})


def load(path: Path) -> Weights:
    """Read weights and their card.

    Raises:
        MissingWeights: there is no such file.
        DataError: it is damaged, has no card, or is not what the card says.
    """
    if not path.is_file():
        raise MissingWeights(
            f"the weights of prnet are missing: {path}",
            "fit them with `aukit fit aligner`, import public ones with `aukit prnet import`, "
            "or choose --aligner facemesh",
        )
    card = _card(path.with_suffix(".json"))
    tensors = read_weights(path)
    layout = _layout(card, tensors, path)
    values = {name: value.float() for name, value in tensors.items() if _LAYOUT not in name}
    network = PositionMapNet(card["width"], card["resolution"])
    fill(network, values, str(path))
    return Weights(network.eval(), layout, card, checksum(path))


def fill(network: PositionMapNet, tensors: Mapping[str, Tensor], origin: str) -> None:
    """Copy tensors into a network.

    Args:
        network: to be filled.
        tensors: by the names of its state.
        origin: what to call them in an error.

    Raises:
        DataError: they are those of another architecture, or not finite; the first mismatch is
            named.
    """
    wanted = {k: v for k, v in network.state_dict().items() if not k.endswith(_COUNTER)}
    for name, value in wanted.items():
        found = tensors.get(name)
        if found is None or found.shape != value.shape:
            shape = "missing" if found is None else tuple(found.shape)
            raise DataError(
                f"{origin} are weights of another architecture: {name} is {shape}, "
                f"expected {tuple(value.shape)}"
            )
        if not found.isfinite().all():
            raise DataError(f"{origin} are damaged: {name} is not finite")
        value.copy_(found)
    if extra := sorted(set(tensors) - set(wanted)):
        raise DataError(f"{origin} are weights of another architecture: unknown {extra[0]}")


def _card(path: Path) -> dict[str, Any]:
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"the weights have no card: {path} cannot be read",
            "weights of prnet are two files, .safetensors and .json; convert public ones with "
            "`aukit prnet import`",
        ) from error
    known = isinstance(card, dict) and card.get("format") == FORMAT
    if not (known and {"width", "resolution", "layout"} <= card.keys()):
        raise DataError(f"{path} is not a card of format {FORMAT}")
    return card


def _layout(card: Mapping[str, Any], tensors: Mapping[str, Tensor], path: Path) -> Layout:
    if card["layout"] == OURS:
        return Layout.load(card["resolution"])
    if missing := [name for name in _STORED if _LAYOUT + name not in tensors]:
        raise DataError(
            f"{path} lacks its layout '{card['layout']}': no {_LAYOUT}{missing[0]}",
            "import the public weights again, with --layout",
        )
    stored: dict[str, Any] = {name: tensors[_LAYOUT + name] for name in _STORED}
    return Layout(card["layout"], card["resolution"], depth=card.get("depth", 1), **stored)
