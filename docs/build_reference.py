"""Write the reference pages that are made from the program itself.

python docs/build_reference.py

`cli.md` holds the help of every command, `components.md` the options of every built-in component. A
test compares both with what this script would write now.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aukit.cli.commands.plugins import published_text
from aukit.cli.texts import show
from aukit.components import KINDS, Component
from aukit.config.values import default_of, options, spell, types_of
from aukit.published import role_of
from aukit.registry.loading import Registry

FOLDER = Path(__file__).parent / "reference"
OURS = "aukit-facs"

COMMANDS = (
    (),
    ("run",),
    ("compare",),
    ("plan",),
    ("align",),
    ("predict",),
    ("export",),
    ("push",),
    ("evaluate",),
    ("report",),
    ("edit",),
    ("fit",),
    ("fit", "aligner"),
    ("fit", "synth"),
    ("data",),
    ("data", "info"),
    ("data", "sample"),
    ("data", "render"),
    ("data", "check"),
    ("data", "imitate"),
    ("plugins",),
    ("plugins", "list"),
    ("plugins", "show"),
    ("plugins", "check"),
    ("plugins", "new"),
    ("weights",),
    ("weights", "list"),
    ("weights", "fetch"),
    ("weights", "path"),
    ("runs",),
    ("runs", "list"),
    ("runs", "clean"),
    ("completion",),
    ("bench",),
    ("doctor",),
)

MADE = "<!-- Made by docs/build_reference.py; do not edit. -->\n"


def commands_page() -> str:
    """`cli.md`: the help of every command, with the built-in plugins only."""
    parts = [f"# Commands\n\n{MADE}"]
    parts.append(
        "`aukit run`, `compare`, `align` and `data` also take the options of the components that "
        "are chosen; `aukit run --estimator vgg16 --help` shows them, and "
        "[components](components.md) lists "
        "those of the built-in ones.\n"
    )
    for command in COMMANDS:
        parts.append(f"## `{' '.join(('aukit', *command))}`\n\n```text\n{help_of(command)}```\n")
    return "\n".join(parts)


def help_of(command: tuple[str, ...]) -> str:
    """What `--help` prints; without the options of default components, which have a page."""
    # A plugin adds to `aukit data`.
    plugins = "corpora" if command[:1] == ("data",) else ""
    environment = {**os.environ, "AUKIT_PLUGINS": plugins, "COLUMNS": "100"}
    line = [sys.executable, "-m", "aukit.cli.main", *command, "--help"]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.replace("python -m aukit.cli.main", "aukit")


def components_page() -> str:
    """`components.md`: what each built-in component is, and its options."""
    registry = Registry(only=[OURS])
    parts = [f"# Components\n\n{MADE}"]
    parts.append("Installed ones, built in or not: `aukit plugins`, `aukit plugins show NAME`.\n")
    for kind in KINDS.values():
        default = "left out by default" if kind.default is None else f"default `{kind.default}`"
        parts.append(f"## {kind.name}\n\n`{kind.flag}`: {kind.summary}; {default}.\n")
        parts += ["\n".join(section(component)) for component in registry.of_kind(kind.name)]
    return "\n".join(parts)


def section(component: Component) -> Iterator[str]:
    """One component."""
    yield f"### `{component.name}`\n"
    yield f"{component.summary}.\n"
    facts = {
        "also called": ", ".join(f"`{alias}`" for alias in component.aliases),
        "licence of weights": component.weights_licence,
        "needs": component.install_hint and f"`{component.install_hint}`",
        "paper": component.paper,
    }
    yield from (f"- {name}: {value}" for name, value in facts.items() if value)
    if any(facts.values()):
        yield ""
    yield from table(component)
    if component.fitting is not None:
        yield f"Options of `aukit fit {component.kind}`, which makes its weights:\n"
        yield from table(component.fitter())


def table(component: Component) -> Iterator[str]:
    """The options of a component."""
    if entries := options(component):
        presets = [*component.presets, *(["in the paper"] if component.published else [])]
        yield row(["option", "type", "default", "role", *presets, "meaning"])
        yield row(["---"] * (5 + len(presets)))
        yield from (row(cells(component, entry)) for entry in entries)
        yield ""


def cells(component: Component, entry: Any) -> list[str]:
    """One option."""
    annotation = types_of(component.config)[entry.name]
    presets = [values.get(entry.name) for values in component.presets.values()]
    return [
        f"`{entry.name}`",
        spell(annotation).replace(" | ", ", "),
        f"`{show(default_of(entry))}`",
        role_of(entry),
        *("" if value is None else f"`{show(value)}`" for value in presets),
        *([published_text(component, entry.name)] if component.published else []),
        str(entry.metadata.get("help", "")),
    ]


def row(values: list[str]) -> str:
    """A row of a Markdown table."""
    return f"| {' | '.join(value.replace('|', '/') for value in values)} |"


PAGES = {"cli.md": commands_page, "components.md": components_page}


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
