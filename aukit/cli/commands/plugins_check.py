"""`aukit plugins check`: conformance checks of components, commands and observers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.app import App, emit_json
from aukit.cli.completion import component_name
from aukit.cli.options import ComponentCommand, ComponentOption, Slot, option_list, settings
from aukit.cli.shared import json_option
from aukit.components import KINDS, Component
from aukit.config.choice import chosen
from aukit.config.values import COMMAND_LINE
from aukit.errors import ConfigError
from aukit.registry.loading import Plugin, Registry

if TYPE_CHECKING:
    from aukit.testing import Outcome


def named(registry: Registry, name: str) -> list[Component]:
    """Every component of that name, of any kind.

    Raises:
        ConfigError: no component has this name.
    """
    if found := registry.find_any(name):
        return found
    import difflib

    known = sorted({known for component in registry.components for known in component.names})
    near = difflib.get_close_matches(name, known, n=1)
    message = f"unknown component '{name}'"
    if registry.broken:
        message += f"; {len(registry.broken)} plugins could not be loaded (see `aukit plugins`)"
    raise ConfigError(message, f"did you mean '{near[0]}'?" if near else "see `aukit plugins`")


def typed(ctx: click.Context, component: Component) -> dict[str, Any]:
    """The options typed for a component."""
    head = f"{component.kind}."
    chosen = settings(ctx).items()
    return {key.removeprefix(head): value for key, value in chosen if key.startswith(head)}


class CheckCommand(ComponentCommand):
    """Offers the options of the component named by the first argument."""

    def component_options(
        self, registry: Registry, args: Sequence[str]
    ) -> Iterator[ComponentOption]:
        """The options of all components of that name."""
        name = next((word for word in args if not word.startswith("-")), None)
        for component in registry.find_any(name) if name else ():
            yield from option_list(component.kind, component)


@click.command("check", cls=CheckCommand, slots=[Slot((kind,)) for kind in KINDS])
@click.argument("name", shell_complete=component_name)
@json_option
@click.pass_context
def check_(ctx: click.Context, name: str, as_json: bool) -> int:
    """Run the conformance checks on NAME; exit code 1 if one fails.

    NAME is a component, with its options as in a run (`aukit plugins check disfa --data.root
    PATH`), or a plugin or distribution, to check all its components. The plugins' commands and
    observers are checked too.
    """
    registry = ctx.ensure_object(App).registry
    plugins = [p for p in registry.plugins if name in (p.name, p.distribution, p.qualified)]
    offered = [component for plugin in plugins for component in plugin.components]
    components = registry.find_any(name) or offered or ([] if plugins else named(registry, name))
    for component in components:  # a mistyped option is not a broken contract
        chosen(component, "quick", [(COMMAND_LINE, typed(ctx, component))], COMMAND_LINE)
    from aukit.testing.plugins import check_plugin

    outcomes = list(_checked(ctx, components))
    for plugin in plugins or _offering(registry, components):
        module = registry.manager.get_plugin(plugin.qualified)
        outcomes += [("plugin", outcome) for outcome in check_plugin(module, plugin.commands)]
    failed = [kind for kind, outcome in outcomes if outcome.result == "failed"]
    if as_json:
        checks = [{"kind": kind, **asdict(outcome)} for kind, outcome in outcomes]
        emit_json({"passed": not failed, "checks": checks})
        return 1 if failed else 0
    from aukit.cli.console import table

    rows = [(kind, o.check.removeprefix("check_"), o.result, o.reason) for kind, o in outcomes]
    table(f"Conformance of {name}", ("kind", "check", "result", "reason"), rows)
    click.echo(f"{len(failed)} failed" if failed else "The contract is kept.")
    for kind in dict.fromkeys(failed):
        click.echo(f"to do   {_TO_DO['plugin' if kind == 'plugin' else 'component'].format(kind)}")
    return 1 if failed else 0


_TO_DO = {
    "component": "read the contract of kind '{}' (docs/reference/contracts.md), fix the component "
    "and check again",
    "plugin": "read aukit.hooks, fix the {}'s command or observer and check again",
}


def _checked(ctx: click.Context, components: Sequence[Component]) -> Iterator[tuple[str, Outcome]]:
    """(kind, outcome) of each check of the components, with the options typed."""
    from aukit.contracts.context import Context
    from aukit.registry.loading import resolve_weights
    from aukit.testing import Subject, run_checks

    for component in components:
        context = Context(weights=resolve_weights)
        subject = Subject(component, typed(ctx, component), context)
        yield from ((component.kind, outcome) for outcome in run_checks(subject))


def _offering(registry: Registry, components: Sequence[Component]) -> list[Plugin]:
    """The plugins that the components come from."""
    wanted = {(c.distribution, c.entry_point) for c in components}
    return [p for p in registry.plugins if (p.distribution, p.name) in wanted]
