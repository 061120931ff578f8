"""Saved models: safetensors, with a JSON card that describes the model and its input."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from aukit.errors import DataError, StorageError
from aukit.store.files import read_document, write_aside, write_json

WEIGHTS, CARD = "model.safetensors", "card.json"


def save_tensors(
    path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str] | None = None
) -> None:
    """Write a safetensors file atomically.

    Raises:
        StorageError: it cannot be written.
    """
    with write_aside(path) as aside:
        # safetensors 0.8 makes files that only their owner can read; a laboratory shares them.
        aside.touch()
        mode = aside.stat().st_mode
        try:
            save_file(dict(tensors), aside, None if metadata is None else dict(metadata))
        except SafetensorError as error:  # raised for a full disk
            raise StorageError(
                f"cannot write {path}: {error}", "free some space and run the same command again"
            ) from error
        aside.chmod(mode)


def save_model(folder: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write a model's tensors and its card into a folder."""
    save_tensors(folder / WEIGHTS, {k: v.detach().cpu().contiguous() for k, v in tensors.items()})
    write_json(folder / CARD, dict(card))


def load_card(folder: Path) -> dict[str, Any]:
    """The card of a saved model.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        return read_document(folder / CARD)
    except DataError as error:
        raise DataError(f"{folder} holds no model: {error.message}") from error


def load_tensors(folder: Path) -> dict[str, Tensor]:
    """The tensors of a saved model.

    Raises:
        DataError: they are missing or truncated.
    """
    try:
        return dict(load_file(folder / WEIGHTS))
    except (OSError, SafetensorError) as error:
        raise DataError(f"model file {folder / WEIGHTS} cannot be read: {error}") from error


def load_network(network: nn.Module, tensors: Mapping[str, Tensor], folder: Path) -> None:
    """Load a saved state into a network; shapes and dtypes must match, and values be finite.

    Args:
        network: network built from the card.
        tensors: the state by name.
        folder: folder of the model, for messages.

    Raises:
        DataError: the state is of another network or damaged.
    """
    wanted = network.state_dict()
    for name, tensor in tensors.items():
        kind = wanted[name].dtype if name in wanted else tensor.dtype
        if tensor.dtype != kind:
            raise DataError(f"model {folder} is damaged: {name} is {tensor.dtype}, expected {kind}")
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise DataError(f"model {folder} is damaged: {name} is not finite")
    try:
        network.load_state_dict(dict(tensors))
    except RuntimeError as error:
        raise DataError(f"{folder} does not hold the networks described by its card") from error


def refuse_other_alignment(card: Mapping[str, Any], alignment: Mapping[str, Any]) -> None:
    """Refuse faces that are aligned differently from a model's training faces.

    Raises:
        DataError: they are; the message names what differs.
    """
    if details := differences(card.get("alignment") or {}, alignment):
        raise DataError(
            f"the model was trained on faces aligned differently (model / given): {details}",
            "align the faces with the model's aligner and options",
        )


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The differences between two alignments as text; empty if there are none."""
    keys = sorted(set(one) | set(other))
    differing = (key for key in keys if one.get(key) != other.get(key))
    return ", ".join(f"{key} {one.get(key)} / {other.get(key)}" for key in differing)


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Tensors of a .safetensors file, or of a .pth file that holds only tensors.

    Raises:
        DataError: it is neither; other objects in a .pth file are refused, not loaded.
    """
    try:
        if path.suffix == ".safetensors":
            return dict(load_file(path))
        # weights_only: torch's restricted reader refuses everything but tensors and containers.
        mapped = zipfile.is_zipfile(path)  # the format before 2020 is not a zip archive
        tensors: Mapping[str, Tensor] = torch.load(path, "cpu", weights_only=True, mmap=mapped)
        return tensors
    except (OSError, SafetensorError, RuntimeError, ValueError, EOFError) as error:
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"weights {path} cannot be read: {reason}") from error
    except Exception as error:
        if type(error).__name__ != "UnpicklingError":
            raise
        raise DataError(f"{path} is refused: it does not hold only tensors") from error
