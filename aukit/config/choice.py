"""A chosen component: its record, its options, and the object made of them."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aukit.components import Component
from aukit.config.values import DEFAULT, Value, coerce, plain, types_of, unknown_option
from aukit.contracts.context import Context
from aukit.errors import AukitError, ConfigError, PluginError, StageError, StorageError


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
        """Name, version and options as JSON values: what a stage key is made of.

        Options that name a file come with the state of that file, so that results of what it once
        held are not taken for results of what it holds now.
        """
        told = {
            "name": self.component.qualified,
            "version": self.component.version,
            "options": plain(self.options),
        }
        files = file_states(told["options"])
        return {**told, "files": files} if files else told


def file_states(options: Mapping[str, Any]) -> dict[str, list[int]]:
    """Option name -> bytes and time of the last change, of options that are paths of files."""
    paths = {name: os.path.expanduser(v) for name, v in options.items() if isinstance(v, str)}
    states = {name: os.stat(path) for name, path in paths.items() if os.path.isfile(path)}
    return {name: [state.st_size, state.st_mtime_ns] for name, state in states.items()}


def build(
    component: Component, layers: Sequence[Mapping[str, Value]]
) -> tuple[Any, dict[str, str]]:
    """The options object of a component from layers of values, later layers winning.

    Returns:
        the options and the origin of each.

    Raises:
        ConfigError: an unknown option, or a value of the wrong type or out of range.
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


_STORAGE = {errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM}


@contextlib.contextmanager
def named(choice: Choice, stage: str) -> Iterator[None]:
    """Errors of a component, told with its name, distribution, version and the stage.

    Raises:
        StageError: the component raised something of its own.
        StorageError: the disk is full or the place not writable.
        AukitError: as it came.
    """
    component = choice.component
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
    except Exception as error:
        raise _stage_error(component, stage, error) from error


def _stage_error(component: Any, stage: str, error: Exception) -> StageError:
    text = str(error).strip().splitlines()
    reason = f"{type(error).__name__}: {text[0][:300]}" if text else type(error).__name__
    return StageError(
        f"{component.kind} '{component.name}' ({component.distribution} {component.version}) "
        f"failed in stage {stage}: {reason}",
        "finished stages are kept; --debug shows where",
    )


def make(choice: Choice, context: Context) -> Any:
    """An instance of a chosen component.

    Raises:
        PluginError: it cannot be imported or constructed.
    """
    factory = choice.component.load()
    try:
        return factory(choice.options, context)
    except AukitError:
        raise
    except Exception as error:
        component = choice.component
        raise PluginError(
            f"{component.kind} '{component.name}' ({component.distribution}) cannot be built: "
            f"{type(error).__name__}: {error}"
        ) from error
