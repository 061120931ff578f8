"""An accelerator that needs no hardware: `device="pretend"`.

Its tensors keep their values on the CPU, where all operators run, so results are exact and nothing
is learned about speed. What is learned is what a CPU alone hides: tensors of two devices in one
operator raise, as on CUDA, and whatever would make a CUDA stream wait is counted by the line of
aukit that asked for it. Autograd, double backward and optimizers work.

It stands on an experimental interface of torch 2.14. Branches for the name "cuda" are not reached.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

NAME = "pretend"
ROOT = Path(__file__).parents[2]
aten = torch.ops.aten

MOVES = {aten.copy_.default, aten._to_copy.default, aten._copy_from.default}
INDEXED = {
    aten.index.Tensor,
    aten.index_put_.default,
    aten.index_put.default,
    aten._index_put_impl_.default,
}
WAITS = {
    aten._local_scalar_dense.default: "reads a number",
    aten.equal.default: "compares whole tensors",
    aten.nonzero.default: "counts what is not zero",
    aten.masked_select.default: "selects by a mask",
    aten._unique2.default: "finds what is unique",
    aten.unique_dim.default: "finds what is unique",
    aten.unique_consecutive.default: "finds what is unique",
    aten.bincount.default: "counts values",
    aten.repeat_interleave.Tensor: "repeats by counts",
}
"""Operators whose result, or its size, the host must know before it can go on."""

Stalls = Counter[tuple[str, str]]
"""(what, where in aukit) -> how often."""

_stalls: Stalls | None = None


class Held(torch.Tensor):
    """A tensor of the device; `values_` is the CPU tensor that it stands for."""

    values_: Tensor

    @staticmethod
    def __new__(cls, values: Tensor) -> Held:
        made = torch.Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            values.size(),
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=torch.device(NAME, 0),
        )
        made.values_ = values
        return made  # type: ignore[no-any-return]

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        copy = self.detach().clone().requires_grad_(self.requires_grad)
        if isinstance(self, torch.nn.Parameter):
            copy = torch.nn.Parameter(copy, self.requires_grad)
        return memo.setdefault(id(self), copy)  # type: ignore[no-any-return]

    def numpy(self, **_: Any) -> Any:
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy")

    __array__ = numpy

    def tolist(self) -> Any:
        return self.cpu().tolist()

    @classmethod
    def __torch_dispatch__(
        cls, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _run(func, args, dict(kwargs or {}))


class _Everywhere(TorchDispatchMode):
    """Brings what has no tensor among its arguments, such as `torch.zeros`, to the device too."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        return _run(func, args, dict(kwargs or {}))


@contextmanager
def pretended() -> Iterator[Stalls]:
    """The device exists within the block; yields what would have stalled a GPU there."""
    global _stalls
    _set_up()
    before, _stalls = _stalls, Counter()
    try:
        with _Everywhere():
            yield _stalls
    finally:
        _stalls = before


def _set_up(done: list[bool] = []) -> None:  # noqa: B006
    """Tell torch of the backend; once in a process."""
    if done:
        return
    from torch.utils import backend_registration

    class Module(backend_registration._DummyBackendModule):
        def get_amp_supported_dtype(self) -> list[torch.dtype]:
            return [torch.bfloat16, torch.float16]

    backend_registration._setup_privateuseone_for_python_backend(NAME, Module())
    # Where no mode is on, in other threads and inside operators, torch asks the backend itself.
    for name in ("empty.memory_format", "empty_strided"):
        packet, _, overload = name.partition(".")
        make = getattr(getattr(aten, packet), overload or "default")
        torch.library.impl(f"aten::{name}", "PrivateUse1")(_held_by(make))
    torch.library.impl("aten::_copy_from", "PrivateUse1")(_copy_from)
    done.append(True)


def _held_by(make: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def held(*args: Any, **kwargs: Any) -> Tensor:
        return Held(make(*args, **{**kwargs, "device": "cpu", "pin_memory": None}))

    return held


def _copy_from(source: Tensor, target: Tensor, non_blocking: bool = False) -> Tensor:
    _plain(target).copy_(_plain(source))
    return target


def _plain(value: Any) -> Any:
    return value.values_ if isinstance(value, Held) else value


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """One operator."""
    if torch.is_inference_mode_enabled():
        with torch.inference_mode(False), torch.no_grad():
            return _run(func, args, kwargs)
    if func.has_kernel_for_dispatch_key(torch._C.DispatchKey.CompositeImplicitAutograd):
        return func.decompose(*args, **kwargs)
    given = _tensors((args, kwargs))
    held = any(isinstance(tensor, Held) for tensor in given)
    _refuse_mixed(func, args, kwargs, given, held)
    wanted = kwargs.get("device")
    target = held if wanted is None else torch.device(wanted).type == NAME
    if _stalls is not None and (what := _stall(func, args, kwargs, held, target)):
        _stalls[what, _where()] += 1
    if wanted is not None:
        kwargs["device"] = torch.device("cpu")
    kwargs.pop("pin_memory", None)
    plain_args, plain_kwargs = tree_map(_plain, (args, kwargs))
    result = func(*plain_args, **plain_kwargs)
    own = {id(tensor.values_): tensor for tensor in given if isinstance(tensor, Held)}

    def wrapped(value: Any) -> Any:
        if not isinstance(value, Tensor) or not target:
            return value
        if id(value) in own:  # changed in place
            return own[id(value)]
        arrived = func is aten._to_copy.default and not held
        return Held(value.clone() if arrived else value)

    return tree_map(wrapped, result)


def _refuse_mixed(func: Any, args: Any, kwargs: Any, given: list[Tensor], held: bool) -> None:
    """Raise as CUDA does: CPU tensors may be numbers, copied, or indices of the device's."""
    if func in MOVES or not held:
        return
    if func in INDEXED:
        if not isinstance(args[0], Held):
            raise RuntimeError(f"indices of a CPU tensor lie on {NAME}, at {_where()}")
        given = _tensors((args[0], args[2:]))
    stray = [t for t in given if not isinstance(t, Held) and t.dim() > 0]
    if stray:
        raise RuntimeError(
            f"Expected all tensors to be on the same device: {func} got {NAME} and a CPU tensor of "
            f"shape {tuple(stray[0].shape)}, at {_where()}"
        )


def _stall(func: Any, args: Any, kwargs: Any, held: bool, target: bool) -> str | None:
    """What makes the host wait for the device, if the operator does."""
    if held and func in WAITS:
        return WAITS[func]
    if held and func in INDEXED:
        indices = _tensors(args[1])
        if any(index.dtype in (torch.bool, torch.uint8) for index in indices):
            return "indexes by a mask"
        return None if all(isinstance(i, Held) for i in indices) else "indexes from the CPU"
    if func is aten._to_copy.default and held != target:
        if target and kwargs.get("non_blocking"):  # free from pinned memory, which CPUs lack
            return None
        return "copies to the CPU" if held else "copies to the device"
    if func is aten.copy_.default and isinstance(args[0], Held) != isinstance(args[1], Held):
        return "copies to the device" if isinstance(args[0], Held) else "copies to the CPU"
    return None


def _where() -> str:
    """The innermost line of aukit or of a plugin."""
    frame: Any = sys._getframe(1)
    while frame:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and path.relative_to(ROOT).parts[0] in ("aukit", "plugins"):
            return f"{path.relative_to(ROOT).as_posix()}:{frame.f_lineno}"
        frame = frame.f_back
    return "outside of aukit"
