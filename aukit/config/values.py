"""Typed configuration: component defaults < preset < run file (TOML) < command line.

Every value records its origin. Options are the fields of a component's frozen dataclass; their
annotations define the accepted values.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from aukit.components import Component
from aukit.errors import ConfigError
from aukit.remote.listing import forget
from aukit.remote.path import place_of

DEFAULT, COMMAND_LINE, PYTHON = "default", "command line", "python"


@dataclass(frozen=True)
class Value:
    """A raw value and where it came from (`default`, `preset quick`, `run.toml`, ...)."""

    raw: Any
    origin: str


def options(component: Component) -> list[dataclasses.Field[Any]]:
    """The options of a component, in order of definition."""
    return list(dataclasses.fields(component.config))


def types_of(config: type[Any]) -> dict[str, Any]:
    """Option name -> resolved annotation."""
    return typing.get_type_hints(config)


def default_of(entry: dataclasses.Field[Any]) -> Any:
    """The default of an option."""
    if entry.default_factory is not dataclasses.MISSING:
        return entry.default_factory()
    return entry.default


def unknown_option(where: str, name: str, known: Mapping[str, Any]) -> ConfigError:
    """The error for a misspelled option."""
    near = difflib.get_close_matches(name, list(known), n=1)
    hint = f"did you mean '{near[0]}'?" if near else f"options: {', '.join(known) or 'none'}"
    return ConfigError(f"{where} has no option '{name}'", hint)


def coerce(raw: Any, annotation: Any, where: str) -> Any:
    """Convert a value to the annotated type; text is parsed as on the command line and in TOML.

    Raises:
        ConfigError: the value does not fit; the message gives the place and what is accepted.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return _coerce_union(raw, arguments, where)
    if origin is Literal:
        return _coerce_literal(raw, arguments, where)
    if origin is tuple:
        return _coerce_tuple(raw, arguments, where)
    return _coerce_plain(raw, annotation, where)


def _refuse(raw: Any, expected: str, where: str) -> ConfigError:
    return ConfigError(f"{where}: {raw!r} is not {expected}")


def _coerce_union(raw: Any, arguments: tuple[Any, ...], where: str) -> Any:
    if type(None) in arguments and (raw is None or raw == "none"):
        return None
    problem: ConfigError | None = None
    for argument in arguments:
        if argument is type(None):
            continue
        try:
            return coerce(raw, argument, where)
        except ConfigError as error:
            problem = problem or error
    raise problem or _refuse(raw, "accepted here", where)


def _coerce_literal(raw: Any, arguments: tuple[Any, ...], where: str) -> Any:
    for argument in arguments:
        if raw == argument or (isinstance(raw, str) and raw == str(argument)):
            return argument
    raise _refuse(raw, f"one of {', '.join(map(str, arguments))}", where)


def _coerce_tuple(raw: Any, arguments: tuple[Any, ...], where: str) -> tuple[Any, ...]:
    parts = (
        [part.strip() for part in raw.split(",") if part.strip()] if isinstance(raw, str) else raw
    )
    if not isinstance(parts, (list, tuple)):
        parts = [parts]
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(coerce(part, arguments[0], where) for part in parts)
    if len(parts) != len(arguments):
        raise _refuse(raw, f"{len(arguments)} values separated by commas", where)
    return tuple(coerce(part, kind, where) for part, kind in zip(parts, arguments, strict=True))


_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


def _coerce_plain(raw: Any, annotation: Any, where: str) -> Any:
    if annotation is bool:
        return _coerce_bool(raw, where)
    if annotation is int:
        return _coerce_int(raw, where)
    if annotation is float:
        return _coerce_float(raw, where)
    if annotation is str and isinstance(raw, (str, int, float)) and not isinstance(raw, bool):
        return str(raw)
    if annotation is Path and isinstance(raw, (str, Path)):
        forget()  # a place that is named again may have changed
        return place_of(str(raw))
    raise _refuse(raw, spell(annotation), where)


def _coerce_bool(raw: Any, where: str) -> bool:
    if isinstance(raw, bool):
        return raw
    text = str(raw).lower()
    if text in _TRUE | _FALSE:
        return text in _TRUE
    raise _refuse(raw, "true or false", where)


def _coerce_int(raw: Any, where: str) -> int:
    if isinstance(raw, int) and not isinstance(raw, bool):
        return raw
    try:
        return int(raw) if isinstance(raw, str) else int("")
    except ValueError:
        raise _refuse(raw, "a whole number", where) from None


def _coerce_float(raw: Any, where: str) -> float:
    if isinstance(raw, bool):
        raise _refuse(raw, "a number", where)
    try:
        value = float(raw)
    except (TypeError, ValueError):
        raise _refuse(raw, "a number", where) from None
    if not math.isfinite(value):
        raise _refuse(raw, "a finite number", where)
    return value


def from_json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert options from JSON: lists become tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def spell(annotation: Any) -> str:
    """An annotation in readable form: `integer`, `a | b`, `text,...`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return " | ".join("none" if a is type(None) else spell(a) for a in arguments)
    if origin is Literal:
        return " | ".join(map(str, arguments))
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return f"{spell(arguments[0])},..."
        return ",".join(spell(argument) for argument in arguments)
    words = {int: "integer", float: "number", bool: "true|false", str: "text", Path: "path"}
    return words.get(annotation, str(annotation))


def plain(value: Any) -> Any:
    """A configuration value as a JSON value."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(entry) for entry in value]
    return str(value) if isinstance(value, Path) else value
