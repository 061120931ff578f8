"""Saved models: what is damaged is refused before it is used."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from aukit.errors import DataError
from aukit.store.models import load_network, save_tensors


def test_a_state_of_its_own_shapes_and_types_is_taken() -> None:
    one, other = nn.BatchNorm1d(3), nn.BatchNorm1d(3)
    nn.init.normal_(one.weight)
    load_network(other, one.state_dict(), Path("model"))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize("name", ["weight", "running_mean"])
def test_a_state_that_is_not_finite_is_refused(name: str, value: float) -> None:
    network = nn.BatchNorm1d(3)
    state = {**network.state_dict(), name: torch.tensor([0.0, value, 0.0])}
    with pytest.raises(DataError, match=f"model model is damaged: {name} is not finite"):
        load_network(network, state, Path("model"))


@pytest.mark.parametrize("kind", [torch.int32, torch.float64, torch.complex64, torch.bool])
def test_a_state_of_another_type_is_refused(kind: torch.dtype) -> None:
    network = nn.Linear(2, 2)
    state = {**network.state_dict(), "bias": torch.ones(2, dtype=kind)}
    with pytest.raises(DataError, match=f"bias is {kind}, expected torch.float32"):
        load_network(network, state, Path("model"))


def test_a_state_of_another_network_is_refused() -> None:
    with pytest.raises(DataError, match="does not hold the networks described by its card"):
        load_network(nn.Linear(2, 2), nn.Linear(3, 2).state_dict(), Path("model"))


def test_tensors_can_be_read_by_those_who_can_read_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "any").touch()
    save_tensors(tmp_path / "tensors.safetensors", {"a": torch.ones(3)})
    modes = {path.name: path.stat().st_mode for path in tmp_path.iterdir()}
    assert modes["tensors.safetensors"] == modes["any"]
