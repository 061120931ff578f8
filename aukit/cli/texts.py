"""Formatting of options and their values in help, tables and the reference."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from aukit.components import Component
from aukit.config.values import default_of, plain, spell


def metavar(annotation: Any) -> str:
    """The metavar of an option: `INTEGER`, `TEXT,...`, `per-au|shared`."""
    text = spell(annotation).replace(" | ", "|")
    return re.sub(r"\b(integer|number|text|path)\b", lambda word: word[0].upper(), text)


def help_text(component: Component, entry: dataclasses.Field[Any]) -> str:
    """The help of an option, with its default and its values in the presets."""
    values = [f"default: {show(default_of(entry))}"]
    for preset in (name for name in component.preset_names if name != "full"):
        found = component.preset(preset)
        if entry.name in found:
            values.append(f"{preset}: {show(found[entry.name])}")
    return f"{entry.metadata.get('help') or ''}  [{'; '.join(values)}]".strip()


def show(value: Any) -> str:
    """A configuration value as one would type it."""
    value = plain(value)
    if isinstance(value, list):
        return ",".join(map(show, value)) or "empty"
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else str(value)
