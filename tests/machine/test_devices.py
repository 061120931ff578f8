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


def test_a_kind_without_a_number_is_the_local_ranks_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "empty", lambda *_, **__: None)
    assert devices.resolve_device("cuda") == "cuda"
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert devices.resolve_device("cuda") == "cuda:1"
    assert devices.resolve_device("cuda:0") == "cuda:0"
    assert devices.resolve_device("cpu") == "cpu"


def test_a_variable_that_hides_all_devices_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(devices, "accelerator", lambda: None)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    assert devices.resolve_device("auto") == "cpu"
    assert "CUDA_VISIBLE_DEVICES is '7'" in caplog.text
    caplog.clear()
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # how a CPU is asked for
    assert devices.resolve_device("auto") == "cpu"
    assert not caplog.text


def test_bfloat16_is_left_to_devices_that_do_not_emulate_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def supported(including_emulation: bool = True) -> bool:
        asked.append(including_emulation)
        return including_emulation

    monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
    with devices.precision("cuda:0"):
        assert not torch.is_autocast_enabled("cuda")
    assert asked == [False]
