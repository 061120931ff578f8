"""Devices: named, found, or refused in one line."""

from __future__ import annotations

import pytest
import torch

from aukit.errors import ConfigError
from aukit.machine import devices


def test_the_processor_is_always_there() -> None:
    assert devices.resolve_device("cpu") == "cpu"


@pytest.mark.parametrize("name", ["gpu", "cuda:999", "xyz:0", ""])
def test_a_device_that_is_not_there_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be used") as caught:
        devices.resolve_device(name)
    assert "\n" not in str(caught.value)
    assert caught.value.hint == "see `aukit doctor`"


def test_auto_takes_what_torch_can_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "accelerator", lambda: None)
    assert devices.resolve_device("auto") == "cpu"
    monkeypatch.setattr(devices, "accelerator", lambda: "cuda")
    assert devices.resolve_device("auto") == "cuda"
    monkeypatch.setenv("LOCAL_RANK", "3")
    assert devices.resolve_device("auto") == "cuda:3"


def test_the_accelerator_is_one_that_torch_can_use() -> None:
    found = devices.accelerator()
    assert (found is not None) == torch.accelerator.is_available()
