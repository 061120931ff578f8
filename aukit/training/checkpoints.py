"""Checkpoints of a fit: everything needed to continue exactly, in one safetensors file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor
from torch.optim import Optimizer

from aukit.errors import DataError
from aukit.machine.processes import rank, unwrap
from aukit.store.models import save_tensors

if TYPE_CHECKING:
    from aukit.training.recipe import Recipe

CHECKPOINT = "checkpoint.safetensors"


def checkpoint(recipe: Recipe, folder: Path, step: int, pending: Mapping[str, list[float]]) -> None:
    """Write everything needed to continue with step number `step`, atomically in one file."""
    if rank() != 0:
        return
    tensors: dict[str, Tensor] = {}
    for name, module in recipe.modules.items():
        for key, value in unwrap(module).state_dict().items():
            tensors[f"module/{name}/{key}"] = _kept(value)
    notes: dict[str, Any] = {"step": step, "pending": dict(pending), "optimizers": {}}
    for name, optimizer in recipe.optimizers.items():
        state = optimizer.state_dict()
        notes["optimizers"][name] = state["param_groups"]
        for parameter, values in state["state"].items():
            for key, value in values.items():
                tensors[f"optimizer/{name}/{parameter}/{key}"] = _kept(torch.as_tensor(value))
    save_tensors(folder / CHECKPOINT, tensors, {"aukit": json.dumps(notes)})


def _kept(value: Tensor) -> Tensor:
    """A copy on the CPU, since the device may lack memory for it."""
    return value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)


def restore(recipe: Recipe, folder: Path) -> tuple[int, dict[str, list[float]]]:
    """Restore a recipe from its last checkpoint.

    Returns:
        the step to continue with (0 without a checkpoint), and the losses since the last tick
        before it.

    Raises:
        DataError: the checkpoint is damaged or of another network.
    """
    path = folder / CHECKPOINT
    if not path.is_file():
        return 0, {}
    try:
        notes, tensors = _read_notes(path), load_file(path, device="cpu")
        step, pending = int(notes["step"]), dict(notes["pending"])
        for name, module in recipe.modules.items():
            unwrap(module).load_state_dict(_below(tensors, f"module/{name}/"))
        for name, optimizer in recipe.optimizers.items():
            state = _optimizer_state(_below(tensors, f"optimizer/{name}/"))
            groups = notes["optimizers"][name]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
            _match_layout(optimizer)
    except (SafetensorError, RuntimeError, LookupError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"cannot continue from checkpoint {path}: {reason}",
            "delete it to restart this stage",
        ) from error
    return step, pending


def _match_layout(optimizer: Optimizer) -> None:
    """Give the optimizer's moments the memory layout of their parameters, as without a restart."""
    for parameter, values in optimizer.state.items():
        for key, value in values.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                values[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _read_notes(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        metadata = file.metadata() or {}
    if "aukit" not in metadata:
        raise ValueError("it was not written by aukit")
    notes: dict[str, Any] = json.loads(metadata["aukit"])
    return notes


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _optimizer_state(flat: Mapping[str, Tensor]) -> dict[int, dict[str, Tensor]]:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in flat.items():
        parameter, key = name.split("/")
        state.setdefault(int(parameter), {})[key] = value
    return state
