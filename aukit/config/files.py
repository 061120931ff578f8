"""Reading and writing of run files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aukit.config.run import RunConfig
from aukit.errors import ConfigError


def read_file(path: Path) -> dict[str, Any]:
    """Read a run file in TOML or JSON.

    Raises:
        ConfigError: it is missing or invalid.
    """
    import tomllib

    if path.is_fifo():  # reading would block forever
        raise ConfigError(f"cannot read run file {path}: it is a pipe", "save it as a file")
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"cannot read run file {path}: {error.strerror}") from error
    except RecursionError:
        raise ConfigError(
            f"{path} is not a valid run file: its values are nested too deeply"
        ) from None
    except (ValueError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is not a valid run file: {error}") from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path} is not a valid run file: it must be a table")
    return found


def to_toml(config: RunConfig) -> str:
    """The resolved run file, with each value's origin as a comment; `resolve` reads it back."""
    document = config.to_json()
    lines = ["# resolved run file of aukit; rerun with `aukit run --config`"]
    origins = {name: origin for name, _, origin in config.rows()}
    lines += _toml_table(document, (), origins)
    return "\n".join(lines) + "\n"


def plain_toml(document: Mapping[str, Any]) -> str:
    """JSON values as TOML, as `read_file` reads them; None becomes "none"."""
    return "\n".join(_toml_table(document, (), {}))


def _toml_table(
    table: Mapping[str, Any], path: tuple[str, ...], origins: Mapping[str, str]
) -> Iterator[str]:
    for key, value in table.items():
        if not isinstance(value, Mapping):
            dotted = ".".join((*path, key))
            origin = origins.get(".".join(path) if key == "name" else dotted)
            comment = f"  # {origin}" if origin else ""
            # Not escaped: JSON's surrogate pairs are not valid TOML.
            text = json.dumps("none" if value is None else value, ensure_ascii=False)
            yield f"{key} = {text}{comment}"
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield f"\n[{'.'.join((*path, key))}]"
            yield from _toml_table(value, (*path, key), origins)
