"""Options of components on the command line.

The options of a command depend on the components that its arguments choose. The arguments are first
scanned for names (`--aligner 2d`, `--config FILE`). The configuration dataclasses of those
components become options (`--aligner.size`); then click parses. The options belong to one
invocation; nothing heavy is imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from aukit.cli.app import App, hyphens
from aukit.cli.completion import completions, known_values, names_of
from aukit.cli.texts import help_text, metavar
from aukit.components import KINDS, Component, Kind
from aukit.config.files import read_file
from aukit.config.panel import members
from aukit.config.values import options, types_of
from aukit.errors import ConfigError
from aukit.published import PAPER_METHOD, PRESET, PRESETS
from aukit.registry.loading import Registry

_EXTRA = "aukit.component_options"
_SETTINGS = "aukit.settings"


@dataclass(frozen=True)
class Slot:
    """A place where a component is chosen.

    Attributes:
        path: `("aligner",)`, or `("test", "aligner")` for a role's own.
    """

    path: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """The kind of component."""
        return KINDS[self.path[-1]]

    @property
    def dotted(self) -> str:
        """The key in settings, e.g. `test.aligner`; the option is `--test.aligner`."""
        return ".".join(self.path)


class ComponentOption(click.Option):
    """An option whose value is parsed by `aukit.config.values`, not by click.

    Args:
        dotted: key of the setting, e.g. `aligner.size`.
        section: heading under which the help lists it; None hides it.
        offers: values for shell completion.
        values: further arguments of `click.Option`.
    """

    def __init__(
        self, dotted: str, section: str | None, offers: Sequence[str] = (), **values: Any
    ) -> None:
        name = dotted.replace(".", "__").replace("-", "_")
        # Shown with hyphens; `hyphens` lets click accept underscores as well.
        super().__init__([f"--{hyphens(dotted)}", name], expose_value=False, **values)
        self.dotted = dotted
        self.section = section
        self.offers = tuple(offers)
        self.callback = self._remember

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Shell completions of the value."""
        return completions(self.offers, incomplete)

    def _remember(self, ctx: click.Context, _: click.Parameter, value: Any) -> None:
        if value is not None:
            ctx.meta.setdefault(_SETTINGS, {})[self.dotted] = value


class ComponentCommand(click.Command):
    """A command that chooses components in some slots.

    Args:
        slots: the slots; the help lists the first slot of a kind, but not the slots of roles.
        defaults: kind -> default component, where it differs from that of a run.
    """

    def __init__(
        self,
        *args: Any,
        slots: Sequence[Slot] = (),
        defaults: Mapping[str, str] | None = None,
        **values: Any,
    ) -> None:
        super().__init__(*args, **values)
        self.slots = tuple(slots)
        self.defaults = {name: kind.default for name, kind in KINDS.items()} | dict(defaults or {})

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the options of the chosen components, then parse."""
        registry = ctx.ensure_object(App).registry
        found = list(self.component_options(registry, args))
        known = {hyphens(option.dotted) for option in found}
        ctx.meta[_EXTRA] = [*found, *_misspelt(args, self.slots, known)]
        return super().parse_args(ctx, args)

    def component_options(
        self, registry: Registry, args: Sequence[str]
    ) -> Iterator[ComponentOption]:
        """The options of this invocation."""
        yield from self.options_for(registry, self.chosen_names(args))

    def options_for(
        self, registry: Registry, names: Mapping[str, str]
    ) -> Iterator[ComponentOption]:
        """The options that apply when these components are chosen (slot -> name)."""
        present = [name for name in KINDS if names.get(name, "none") != "none"]
        for slot in self.slots:
            beside, _ = slot.kind.default_beside(present)
            default = self.defaults[slot.kind.name] if beside == slot.kind.default else beside
            yield choice_option(registry, slot, default)
            if slot.kind.several:
                yield from panel_options(registry, slot, names.get(slot.dotted, default or "none"))
                continue
            component = chosen(registry, slot, names, default)
            if component is not None:
                present += component.tags
                yield from option_list(slot.dotted, component, hidden=len(slot.path) > 1)

    def chosen_names(self, args: Sequence[str]) -> dict[str, str]:
        """Slot -> name, from the configuration file and the command line."""
        found: dict[str, str] = {}
        for path in values_of(args, "--config"):
            found.update(names_in(read_file(Path(path)), self.slots))
        for slot in self.slots:
            for name in values_of(args, f"--{slot.dotted}"):
                found[slot.dotted] = name
        return found

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The fixed options and those of the chosen components."""
        return [*super().get_params(ctx), *ctx.meta.get(_EXTRA, ())]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One section for the command, one for the choices, one for each component."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Argument):
                continue
            section = parameter.section if isinstance(parameter, ComponentOption) else "Options"
            record = parameter.get_help_record(ctx)
            if record is not None and section is not None:
                sections.setdefault(section, []).append(record)
        for section, records in sections.items():
            with formatter.section(section):
                formatter.write_dl(records)


def settings(ctx: click.Context) -> dict[str, Any]:
    """The settings from the command line: `{"aligner": "2d", "aligner.size": "64"}`."""
    return dict(ctx.meta.get(_SETTINGS, {}))


def values_of(args: Sequence[str], flag: str) -> list[str]:
    """The values given to an option, as `--flag value` or `--flag=value`."""
    found = []
    for position, argument in enumerate(args):
        if argument == flag and position + 1 < len(args):
            found.append(args[position + 1])
        elif argument.startswith(f"{flag}="):
            found.append(argument.partition("=")[2])
    return found


def names_in(document: Mapping[str, Any], slots: Sequence[Slot]) -> dict[str, str]:
    """Slot -> name, as a run file chooses them."""
    found = {}
    for slot in slots:
        table: Any = document
        for part in slot.path:
            table = table.get(part) if isinstance(table, Mapping) else None
        name = table.get("name") if isinstance(table, Mapping) else table
        if slot.kind.several and isinstance(name, list):
            name = ",".join(map(str, name))
        if isinstance(name, str):
            found[slot.dotted] = name
    return found


def chosen(
    registry: Registry, slot: Slot, names: Mapping[str, str], default: str | None
) -> Component | None:
    """The component in a slot; None if there is none.

    A role without its own choice uses the component of the whole run. A default that is not
    installed gives None here; the error comes when the run is resolved.

    Raises:
        ConfigError: the name is unknown or ambiguous.
    """
    kind = slot.kind
    name = names.get(slot.dotted, names.get(kind.name))
    if name == "none" and kind.optional:
        return None
    if name is not None:
        return registry.find(kind.name, name)
    try:
        return None if default is None else registry.find(kind.name, default)
    except ConfigError:
        return None


def choice_option(registry: Registry, slot: Slot, default: str | None) -> ComponentOption:
    """The option that chooses a component."""
    kind = slot.kind
    summary = f"{kind.summary}  [default: {default or 'none'}]"
    section = "Components (`aukit plugins` lists them)" if len(slot.path) == 1 else None
    return ComponentOption(
        slot.dotted, section, names_of(registry, kind), metavar="NAME", help=summary,
        hidden=section is None,
    )  # fmt: skip


def panel_options(registry: Registry, slot: Slot, names: str) -> Iterator[ComponentOption]:
    """The options of the components in a slot that takes several."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for component in members(registry, slot.kind.name, wanted):
        yield from option_list(f"{slot.dotted}.{component.name}", component)


def option_list(
    dotted: str, component: Component, *, hidden: bool = False
) -> Iterator[ComponentOption]:
    """The options of a component, which start with `dotted`."""
    section = f"{component.kind.capitalize()} {component.name} ({component.distribution})"
    types = types_of(component.config)
    if component.published:
        yield ComponentOption(
            f"{dotted}.{PRESET}",
            None if hidden else section,
            (*PRESETS, PAPER_METHOD),
            metavar="|".join((*PRESETS, PAPER_METHOD)),
            help="preset of this component; paper-method: its paper's method at the run's sizes",
            hidden=hidden,
        )
    for entry in options(component):
        annotation = types[entry.name]
        # A bare `--estimator.shared` means true; `--estimator.shared false` means false.
        switch = {"is_flag": False, "flag_value": "true"} if annotation is bool else {}
        yield ComponentOption(
            f"{dotted}.{entry.name}",
            None if hidden else section,
            known_values(annotation),
            metavar=metavar(annotation),
            help=help_text(component, entry),
            hidden=hidden,
            **switch,
        )


def _misspelt(
    args: Sequence[str], slots: Sequence[Slot], known: set[str]
) -> Iterator[ComponentOption]:
    """Misspelled options such as `--aligner.sise`: accepted here, as `resolve` has a better
    error."""
    heads = {slot.path[0] for slot in slots}
    for argument in args:
        dotted = hyphens(argument[2:].partition("=")[0])
        head, dot, _ = dotted.partition(".")
        if argument.startswith("--") and dot and head in heads and dotted not in known:
            known.add(dotted)
            yield ComponentOption(dotted, None, hidden=True)
