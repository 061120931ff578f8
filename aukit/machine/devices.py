"""Which device to use, and what the machine offers. torch is imported when a question is asked."""

from __future__ import annotations

import contextlib
import functools
import logging
import os
from contextlib import AbstractContextManager

from aukit.errors import ConfigError

_log = logging.getLogger(__name__)

PROCESSORS = "AUKIT_PROCESSORS"
"""Environment variable: how many processors a run may use, where it shares the machine."""


@functools.cache
def accelerator() -> str | None:
    """The accelerator that torch sees (`cuda`, `mps`, ...), or None."""
    import torch

    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return None if found is None else str(found.type)


def resolve_device(name: str) -> str:
    """A torch device name for `auto`, `cpu`, `cuda`, `cuda:1`.

    Under torchrun, a kind without a number is the local rank's own device.

    Raises:
        ConfigError: there is no such device here.
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
    except RuntimeError as error:  # which lists every device there ever was
        raise _unusable(name, "torch knows none of that name") from error
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise _unusable(name, str(error).splitlines()[0][:160]) from error
    return name if ":" in name or name == "cpu" else _own(name)


def _own(kind: str) -> str:
    rank = os.environ.get("LOCAL_RANK")
    return f"{kind}:{rank}" if rank else kind


def _warn_of_hidden() -> None:
    """A variable that names a device which is not there hides all of them."""
    import torch

    named = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if named not in ("", "-1") and torch.version.cuda:
        _log.warning(
            "CUDA_VISIBLE_DEVICES is '%s', but torch finds no such device: using the CPU", named
        )


@functools.cache
def accelerator_count() -> int:
    """How many accelerators torch sees."""
    import torch

    return torch.accelerator.device_count() if accelerator() else 0


def precision(device: str) -> AbstractContextManager[object]:
    """bfloat16 where a device is fast at it; float32 elsewhere."""
    import torch

    kind = device.partition(":")[0]
    if kind != "cuda" or not torch.cuda.is_bf16_supported(including_emulation=False):
        return contextlib.nullcontext()
    return torch.autocast(kind, torch.bfloat16)


def _unusable(name: str, reason: str) -> ConfigError:
    return ConfigError(f"device '{name}' cannot be used: {reason}", "see `aukit doctor`")


def usable_processors() -> int:
    """Processors that this process may use: as many as `AUKIT_PROCESSORS` says, or else all that
    the system lets it have."""
    if (share := os.environ.get(PROCESSORS, "")).isdecimal():
        return max(1, int(share))
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def memory_bytes() -> int | None:
    """Memory of this machine; None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError, AttributeError):
        return None
