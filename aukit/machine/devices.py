"""The choice of device, and what the machine offers; torch is imported only when needed."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from contextlib import AbstractContextManager

from aukit.errors import ConfigError

_log = logging.getLogger(__name__)

PROCESSORS = "AUKIT_PROCESSORS"
"""Environment variable: number of processors a run may use on a shared machine."""


@functools.cache
def accelerator() -> str | None:
    """The accelerator that torch sees (`cuda`, `mps`, ...), or None."""
    import torch

    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return None if found is None else str(found.type)


def resolve_device(name: str) -> str:
    """A torch device name for `auto`, `cpu`, `cuda`, `cuda:1`.

    Under torchrun, a device type without an index is the device of the local rank.

    Raises:
        ConfigError: this machine has no such device.
    """
    import torch

    if name == "auto":
        kind = accelerator()
        if kind is None:
            _warn_of_hidden()
            return "cpu"
        return _own(kind)
    try:
        torch.device(name)
    except RuntimeError as error:  # its message lists every known device type
        raise _unusable(name, "torch knows no device of that name") from error
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise _unusable(name, str(error).splitlines()[0][:160]) from error
    return name if ":" in name or name == "cpu" else _own(name)


def _own(kind: str) -> str:
    rank = os.environ.get("LOCAL_RANK")
    return f"{kind}:{rank}" if rank else kind


def _warn_of_hidden() -> None:
    """Warn if CUDA_VISIBLE_DEVICES names a missing device, which hides all devices."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if named not in ("", "-1") and torch.version.cuda:
        _log.warning(
            "CUDA_VISIBLE_DEVICES is '%s', but torch finds no such device: using the CPU", named
        )


@functools.cache
def accelerator_count() -> int:
    """Number of accelerators that torch sees."""
    import torch

    return torch.accelerator.device_count() if accelerator() else 0


def precision(device: str) -> AbstractContextManager[object]:
    """Autocast to bfloat16 if the device is fast at it; else float32."""
    import torch

    kind = device.partition(":")[0]
    if kind != "cuda" or not torch.cuda.is_bf16_supported(including_emulation=False):
        return contextlib.nullcontext()
    return torch.autocast(kind, torch.bfloat16)


def _unusable(name: str, reason: str) -> ConfigError:
    return ConfigError(f"device '{name}' cannot be used: {reason}", "see `aukit doctor`")


def usable_processors() -> int:
    """Processors this process may use: `AUKIT_PROCESSORS` if set, else all the system allows."""
    if (share := os.environ.get(PROCESSORS, "")).isdecimal():
        return max(1, int(share))
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Memory of this machine in bytes; None if unknown."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None
