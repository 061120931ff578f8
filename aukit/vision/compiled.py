"""Access to loops that numba compiles for CPUs; vectorised torch code does the work elsewhere.

Nothing here loads numba before a loop is needed. Compilation happens at the first call; the result
stays in numba's cache on disk.
"""

from __future__ import annotations

import functools
import importlib
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def loops_for(name: str, *values: Tensor) -> ModuleType | None:
    """The module of `aukit.vision` with a name, where its loops can process some values."""
    differentiated = torch.is_grad_enabled() and any(each.requires_grad for each in values)
    elsewhere = any(each.device.type != "cpu" for each in values)
    return None if differentiated or elsewhere else module(name)


@functools.cache
def module(name: str) -> ModuleType | None:
    """A module of `aukit.vision` that needs numba; None, with a warning, where that is missing."""
    try:
        importlib.import_module("numba")
        return importlib.import_module(f"aukit.vision.{name}")
    except ImportError as error:  # numba refuses a numpy that is newer than itself
        warnings.warn(f"numba cannot be used, faces are drawn slowly: {error}", stacklevel=2)
        return None


def array(values: Tensor) -> Any:
    """Values as a contiguous array, floating point ones as float32."""
    kept = values.detach().contiguous()
    return (kept.float() if kept.is_floating_point() else kept).numpy()


def for_each(work: Callable[[int], T], count: int) -> list[T]:
    """What `work` gives for 0..count - 1, on as many threads as torch uses: loops hold no lock."""
    threads = min(count, torch.get_num_threads())
    if threads < 2:
        return [work(row) for row in range(count)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, range(count)))


@functools.cache
def kernel(function: Callable[..., T], *signatures: str) -> Callable[..., T]:
    """The function, compiled for some types of arguments."""
    import numba

    compiler: Any = functools.partial(numba.njit, list(signatures), nogil=True, error_model="numpy")
    try:
        compiled: Callable[..., T] = compiler(cache=True)(function)
    except Exception:  # no folder that can be written, a full disk, a damaged cache: do without
        compiled = compiler()(function)
    return compiled
