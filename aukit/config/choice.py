"""A chosen component: its record, its options, and the instance built from them."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from aukit.components import Component
from aukit.config.values import DEFAULT, Value, coerce, plain, types_of, unknown_option
from aukit.contracts.context import Context
from aukit.errors import AukitError, ConfigError, PluginError, StageError, StorageError
from aukit.faults import is_interrupt, reason


@dataclass(frozen=True)
class Choice:
    """A chosen component with its resolved options.

    Attributes:
        component: the record.
        options: an instance of `component.config`.
        origins: option name -> where its value came from.
        chosen_by: where the choice itself came from.
    """

    component: Component
    options: Any
    origins: Mapping[str, str] = field(default_factory=dict)
    chosen_by: str = DEFAULT

    def to_json(self) -> dict[str, Any]:
        """Name, code and options as JSON values: the content of a stage's key.

        Options that name files include the state of those files, so that results computed from
        old content are not reused.
        """
        from aukit.registry.code import code_of

        told = {
            "name": self.component.qualified,
            "code": code_of(self.component),
            "options": plain(self.options),
        }
        files = file_states(self.options)
        return {**told, "files": files} if files else told


def file_states(options: Any) -> dict[str, Any]:
    """Option name -> state of the file, folder or weights that the option names.

    Only options of type `Path` or with `metadata={"file": True}` count: a text that happens to be
    the name of a file does not refer to it.
    """
    from aukit.registry.loading import default_registry
    from aukit.registry.states import state_of

    named = [entry.name for entry in dataclasses.fields(options) if names_files(options, entry)]
    known = default_registry().weights() if named else {}
    return {
        name: [state_of(text, known) for text in _texts(getattr(options, name))] for name in named
    }


def names_files(options: Any, entry: dataclasses.Field[Any]) -> bool:
    """Whether an option names a file, a folder or weights."""
    annotation = types_of(type(options))[entry.name]
    return bool(entry.metadata.get("file")) or Path in (annotation, *get_args(annotation))


def _texts(value: Any) -> list[str]:
    values = value if isinstance(value, (list, tuple)) else [value]
    return [str(one) for one in values if one is not None]


def chosen(
    component: Component,
    preset: str,
    layers: Iterable[tuple[str, Mapping[str, Any]]],
    chosen_by: str,
    below: Mapping[str, Value] | None = None,
) -> Choice:
    """A component with its options: a preset's, overridden by layers of settings.

    Args:
        component: what was chosen.
        preset: preset to start from; one that the component does not define sets nothing.
        layers: (origin, option -> raw value), later layers winning.
        chosen_by: where the choice itself came from.
        below: base values that replace the preset's, if given.

    Raises:
        ConfigError: an option is unknown, or a value has the wrong type or is out of range.
    """
    if below is None:
        start = f"preset {preset}"
        below = {name: Value(raw, start) for name, raw in component.preset(preset).items()}
    above = (
        {name: Value(raw, origin) for name, raw in values.items()} for origin, values in layers
    )
    options, origins = build(component, [below, *above])
    return Choice(component, options, origins, chosen_by)


def build(
    component: Component, layers: Sequence[Mapping[str, Value]]
) -> tuple[Any, dict[str, str]]:
    """The options object of a component from layers of values, later layers winning.

    Returns:
        the options and the origin of each.

    Raises:
        ConfigError: an option is unknown, or a value has the wrong type or is out of range.
    """
    hints = types_of(component.config)
    where = component.name
    merged: dict[str, Value] = {}
    for layer in layers:
        for name, value in layer.items():
            if name not in hints:
                raise unknown_option(where, name, hints)
            merged[name] = value
    values = {
        name: coerce(value.raw, hints[name], f"{where}.{name} ({value.origin})")
        for name, value in merged.items()
    }
    origins = {name: merged[name].origin if name in merged else DEFAULT for name in hints}
    try:
        return component.config(**values), origins
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error
    except AukitError:
        raise
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise PluginError(
            f"{component.kind} '{component.name}' ({component.distribution}) cannot check its "
            f"options: {reason(error)}"
        ) from error


_STORAGE = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM}


_stage: ContextVar[str | None] = ContextVar("stage", default=None)


def current_stage() -> str | None:
    """The stage of the enclosing `named` block; None outside one."""
    return _stage.get()


@contextlib.contextmanager
def named(choice: Choice, stage: str) -> Iterator[None]:
    """Report errors within the block as errors of a component in a stage.

    Errors of another component called within the block are reported as that component's.

    Raises:
        StageError, StorageError, AukitError: as for `told`.
    """
    token = _stage.set(stage)
    try:
        with told(choice.component, stage):
            yield
    finally:
        _stage.reset(token)


@contextlib.contextmanager
def told(component: Component, stage: str) -> Iterator[None]:
    """Report errors of a component with its name, distribution, version and stage.

    Raises:
        StageError: the component raised an error that is not an `AukitError`.
        StorageError: the disk is full or not writable.
        AukitError: unchanged.
    """
    try:
        yield
    except AukitError:
        raise
    except OSError as error:
        if error.errno in _STORAGE:
            place = f" ({error.filename})" if error.filename else ""
            raise StorageError(
                f"stage {stage} could not write{place}: {error.strerror}",
                "free some space or choose another output folder; finished stages are kept",
            ) from error
        raise _stage_error(component, stage, error) from error
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise _stage_error(component, stage, error) from error


def _stage_error(component: Component, stage: str, error: BaseException) -> StageError:
    return StageError(
        f"{component.kind} '{component.name}' ({component.distribution} {component.version}) "
        f"failed in stage {stage}: {reason(error)}",
        "finished stages are kept; --debug shows the traceback",
    )


def make(choice: Choice, context: Context) -> Any:
    """An instance of a chosen component, checked against its contract (`aukit.config.held`).

    Raises:
        PluginError: it cannot be imported or constructed, or lacks a method of its contract.
    """
    from aukit.config.held import hold

    component = choice.component
    factory = component.load()
    try:
        return hold(factory(choice.options, context), component)
    except AukitError:
        raise
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise PluginError(
            f"{component.kind} '{component.name}' ({component.distribution}) cannot be built: "
            f"{reason(error)}"
        ) from error
