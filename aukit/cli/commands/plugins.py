"""`aukit plugins`: list, explain and check installed components."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.commands.plugins_check import check_, named
from aukit.cli.completion import component_name
from aukit.cli.groups import ListedByDefault
from aukit.cli.shared import json_option, output_option
from aukit.cli.texts import show
from aukit.components import KINDS, Component
from aukit.config.values import default_of, options, plain, spell, types_of
from aukit.errors import ConfigError
from aukit.published import role_of
from aukit.registry.loading import Plugin


@click.group(cls=ListedByDefault, subcommand_metavar="[KIND | list | show | check | new] ...")
def plugins() -> None:
    """List, explain, check and create components.

    `aukit plugins` lists every component; `aukit plugins aligner` lists one kind.
    """


@plugins.command("list")
@click.argument("kind", required=False)
@json_option
@click.pass_context
def list_(ctx: click.Context, kind: str | None, as_json: bool) -> None:
    """List the components of one KIND or all, and plugins that could not be loaded."""
    if kind is not None and kind not in KINDS:
        raise ConfigError(f"unknown kind '{kind}'", f"kinds: {', '.join(KINDS)}")
    registry = ctx.ensure_object(App).registry
    found = [c for name in KINDS if kind in (None, name) for c in registry.of_kind(name)]
    if as_json:
        broken = [_broken_json(plugin) for plugin in registry.broken]
        emit_json({"components": [_summary_json(c) for c in found], "broken": broken})
        return
    from aukit.cli.console import table

    headings = ("kind", "name", "distribution", "version", "licence", "state", "summary")
    table("Components", headings, [_row(component) for component in found])
    if registry.broken:
        rows = [(p.distribution, p.version, p.name, p.error) for p in registry.broken]
        table("Not in use", ("distribution", "version", "plugin", "reason"), rows)


def state(component: Component) -> str:
    """`ok`, or what is missing and how to get it."""
    absent = component.missing()
    if not absent:
        return "ok"
    hint = component.install_hint or f"pip install {' '.join(absent)}"
    return f"needs {', '.join(absent)}: {hint}"


def _row(component: Component) -> tuple[str, ...]:
    return (
        component.kind,
        ", ".join(component.names),
        component.distribution,
        component.version,
        component.licence,
        state(component),
        component.summary,
    )


def _summary_json(component: Component) -> dict[str, Any]:
    return {
        "kind": component.kind,
        "name": component.name,
        "aliases": list(component.aliases),
        "distribution": component.distribution,
        "version": component.version,
        "licence": component.licence,
        "state": state(component),
        "summary": component.summary,
    }


def _broken_json(plugin: Plugin) -> dict[str, Any]:
    return {
        "plugin": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "error": plugin.error,
    }


@plugins.command("show")
@click.argument("name", shell_complete=component_name)
@json_option
@click.pass_context
def show_(ctx: click.Context, name: str, as_json: bool) -> None:
    """Explain the component NAME and its options."""
    found = named(ctx.ensure_object(App).registry, name)
    if as_json:
        emit_json({"components": [_details_json(component) for component in found]})
        return
    for component in found:
        show_component(component)


def show_component(component: Component) -> None:
    """Print a component's record and options."""
    from aukit.cli.console import table

    facts = [(key, value) for key, value in _facts(component).items() if value]
    table(f"{component.kind} {component.name}: {component.summary}", ("", ""), facts)
    in_paper = ("in the paper",) if component.published else ()
    headings = ("option", "type", "default", "role", *component.presets, *in_paper, "meaning")
    table("Options", headings, [_option_row(component, entry) for entry in options(component)])


def _facts(component: Component) -> dict[str, str]:
    return {
        "also called": ", ".join(component.aliases),
        "full name": component.qualified,
        "version": component.version,
        "state": state(component),
        "licence": component.licence,
        "licence of weights": component.weights_licence,
        "licence of data": component.data_licence,
        "paper": component.paper,
        "accepts": ", ".join(component.accepts),
        "factory": component.factory,
        "use": f"aukit run {KINDS[component.kind].flag} {component.name}",
    }


def _option_row(component: Component, entry: Any) -> tuple[str, ...]:
    presets = (values.get(entry.name, "") for values in component.presets.values())
    return (
        entry.name,
        spell(types_of(component.config)[entry.name]),
        show(default_of(entry)),
        role_of(entry),
        *(show(value) if value != "" else "" for value in presets),
        *((published_text(component, entry.name),) if component.published else ()),
        entry.metadata.get("help", ""),
    )


def published_text(component: Component, option: str) -> str:
    """The value of an option in the component's paper, with its source; empty if not recorded."""
    if (published := component.published.get(option)) is None:
        return ""
    if published.standing == "silent":
        return published.source
    return f"{show(published.value)} ({published.source})"


def _details_json(component: Component) -> dict[str, Any]:
    types = types_of(component.config)
    return {
        **_summary_json(component),
        "weights_licence": component.weights_licence,
        "data_licence": component.data_licence,
        "paper": component.paper,
        "accepts": list(component.accepts),
        "tags": list(component.tags),
        "presets": {name: plain(component.preset(name)) for name in component.preset_names},
        "options": [
            {
                "name": entry.name,
                "type": spell(types[entry.name]),
                "default": plain(default_of(entry)),
                "role": role_of(entry),
                "paper": published_text(component, entry.name),
                "help": entry.metadata.get("help", ""),
            }
            for entry in options(component)
        ],
    }


plugins.add_command(check_)


@plugins.command("new")
@click.argument("kind", type=click.Choice(list(KINDS)))
@click.argument("name")
@output_option("Parent of the folder aukit-NAME.", default=".")
@json_option
def new(kind: str, name: str, output: Path, as_json: bool) -> None:
    """Create a package for a new component NAME of a KIND, with a test.

    The package works and passes the conformance checks as it is. Then replace the method and the
    options.
    """
    from aukit.cli.new_plugin import write_plugin

    folder = write_plugin(kind, name, output)
    if as_json:
        emit_json({"folder": str(folder)})
        return
    click.echo(f"made    {folder}")
    click.echo(f"method  {folder}/src/aukit_{name.replace('-', '_')}/method.py")
    click.echo(f"next    pip install -e {folder} && aukit plugins check {name}")
