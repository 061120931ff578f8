"""Which device to use, and what the machine offers. torch is imported when a question is asked."""

from __future__ import annotations

import functools
import os

from aukit.errors import ConfigError

PROCESSORS = "AUKIT_PROCESSORS"
"""Environment variable: how many processors a run may use, where it shares the machine."""


@functools.cache
def accelerator() -> str | None:
    """The accelerator that torch sees (`cuda`, `mps`, ...), or None."""
    import torch

    found = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return None if found is None else str(found.type)


def resolve_device(name: str) -> str:
    """A torch device name for `auto`, `cpu`, `cuda`, `cuda:1`; under torchrun the local rank's own.

    Raises:
        ConfigError: there is no such device here.
    """
    import torch

    if name == "auto":
        kind = accelerator()
        rank = os.environ.get("LOCAL_RANK")
        return "cpu" if kind is None else f"{kind}:{rank}" if rank else kind
    try:
        torch.device(name)
    except RuntimeError as error:  # which lists every device there ever was
        raise _unusable(name, "torch knows none of that name") from error
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise _unusable(name, str(error).splitlines()[0][:160]) from error
    return name


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
