"""From layers of settings to the configuration of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from aukit.components import KINDS
from aukit.config.choice import Choice, chosen
from aukit.config.options import Layer, RunOptions, run_options
from aukit.config.panel import resolve_panel
from aukit.config.run import ROLE_KINDS, ROLES, Role, RunConfig
from aukit.config.values import DEFAULT, Value, plain, unknown_option
from aukit.defaults import YARDSTICK
from aukit.errors import ConfigError
from aukit.published import PAPER_METHOD, PRESET, PRESETS
from aukit.registry.loading import Registry
from aukit.views import parse_views, view_name


def nest(dotted: Mapping[str, Any]) -> dict[str, Any]:
    """Nest dotted keys, `{"synth.size": 64}` -> `{"synth": {"size": 64}}`; a bare kind becomes
    `name`."""
    document: dict[str, Any] = {}
    for key, value in dotted.items():
        *path, last = key.split(".")
        if not path and last in KINDS:
            path, last = [last], "name"
        elif len(path) == 1 and path[0] in ROLES and last in ROLE_KINDS:
            path, last = [*path, last], "name"
        table = document
        for part in path:
            table = table.setdefault(part, {})
        table[last] = value
    return document


def resolve(registry: Registry, layers: Sequence[Layer], preset: str | None = None) -> RunConfig:
    """The configuration resolved from layers of settings, later layers winning.

    Args:
        registry: where names are looked up.
        layers: (origin, settings) pairs, e.g. a run file and the command line.
        preset: what `auto` means on this machine; found out from the hardware if None.

    Raises:
        ConfigError: an unknown name or option, or a value that is not accepted.
    """
    for origin, document in layers:
        _check_keys(origin, document)
    options, origins = run_options(layers, preset)
    resolver = _Resolver(registry, layers, options.preset)
    components: dict[str, Choice | None] = {}
    # A kind comes after those that determine its default.
    for kind in (name for name in KINDS if not KINDS[name].several):
        components[kind] = resolver.choice((kind,), beside=_kinds_and_tags(components))
        origins[kind] = resolver.named_by(kind)
    _check_company(components)
    _check_without_estimator(components)
    roles = {name: resolver.role(name, components, origins) for name in ROLES}
    judges = resolve_panel(registry, "judge", layers, options.preset)
    reference = None
    if components["synth"] is not None and components["estimator"] is not None:
        reference = _Resolver(registry, (), options.preset).choice(("balancer",))
    yardstick = resolver.yardstick(options.yardstick, origins["yardstick"])
    if components["estimator"] is None or _same(yardstick, components["estimator"]):
        yardstick = None
    return RunConfig(options, roles, components, judges, reference, yardstick, origins)


def _same(one: Choice | None, other: Choice) -> bool:
    return one is not None and one.component == other.component


def _check_keys(origin: str, document: Mapping[str, Any]) -> None:
    known = {f.name: None for f in fields(RunOptions)} | dict.fromkeys([*KINDS, *ROLES])
    for key, value in document.items():
        if key not in known:
            raise unknown_option(f"the run ({origin})", key, known)
        if key in ROLES and isinstance(value, Mapping):
            allowed = dict.fromkeys(["partition", "views", *ROLE_KINDS])
            for part in value:
                if part not in allowed:
                    raise unknown_option(f"role {key} ({origin})", part, allowed)


class _Resolver:
    """Finds the component and its options at a path of the layered settings."""

    def __init__(self, registry: Registry, layers: Sequence[Layer], preset: str) -> None:
        self.registry = registry
        self.layers = layers
        self.preset = preset

    def choice(
        self, path: tuple[str, ...], fallback: Choice | None = None, beside: Sequence[str] = ()
    ) -> Choice | None:
        """The choice at `path`; a role's path falls back on the choice of the whole run.

        The default may depend on the kinds and tags in `beside`.
        """
        kind = KINDS[path[-1]]
        tables = [(origin, self._table(document, path)) for origin, document in self.layers]
        named = [(table["name"], origin) for origin, table in tables if "name" in table]
        inherited = fallback.component.qualified if fallback else None
        default, reason = kind.default_beside(beside)
        by_default = DEFAULT if reason is None else f"{DEFAULT} (with {reason})"
        name, chosen_by = named[-1] if named else (inherited or default or "none", by_default)
        if name == "none" and kind.optional:
            _check_absent(kind.name, tables)
            return None
        component = self.registry.find(kind.name, str(name))
        own = [_own_preset(kind.name, origin, table) for origin, table in tables if PRESET in table]
        preset = own[-1] if own else self.preset
        sizes = component.preset(self.preset) if preset == PAPER_METHOD else {}
        values = {**sizes, **component.preset(preset)}.items()
        below = {key: Value(raw, f"preset {preset}") for key, raw in values}
        if fallback is not None and fallback.component == component and not own:
            inherited_options = plain(fallback.options).items()
            below = {k: Value(raw, fallback.origins[k]) for k, raw in inherited_options}
            chosen_by = chosen_by if named else fallback.chosen_by
        above = [(origin, _options(table)) for origin, table in tables]
        return chosen(component, preset, above, chosen_by, below)

    def yardstick(self, name: str, origin: str) -> Choice | None:
        """An estimator with the options of the run's preset; None if the name is `none`, or that
        of the default, which is not installed."""
        offered = {name for each in self.registry.of_kind("estimator") for name in each.names}
        if name == "none" or (name == YARDSTICK and name not in offered):
            return None
        return chosen(self.registry.find("estimator", name), self.preset, (), origin)

    def named_by(self, kind: str) -> str:
        """Where a kind of the run as a whole is named, if only to leave it out."""
        tables = [(origin, self._table(document, (kind,))) for origin, document in self.layers]
        return next((o for o, table in reversed(tables) if "name" in table), DEFAULT)

    def role(self, name: str, shared: Mapping[str, Choice | None], origins: dict[str, str]) -> Role:
        partition, origins[f"{name}.partition"] = ROLES[name], DEFAULT
        views, origins[f"{name}.views"] = "", DEFAULT
        for origin, document in self.layers:
            table = self._table(document, (name,))
            if "partition" in table:
                partition, origins[f"{name}.partition"] = str(table["partition"]), origin
            if "views" in table:
                views, origins[f"{name}.views"] = str(table["views"]), origin
        _check_partition(name, partition)
        limited = tuple(map(view_name, parse_views(views))) if views not in ("", "all") else ()
        data, aligner = (self.choice((name, k), shared[k]) for k in ("data", "aligner"))
        landmarker = self._landmarker(name, {"data": data}, shared)
        if data is None or aligner is None:
            raise ConfigError(f"role {name} needs a dataset and an aligner")
        return Role(data, landmarker, aligner, partition, limited)

    def _landmarker(
        self, role: str, own: Mapping[str, Choice | None], shared: Mapping[str, Choice | None]
    ) -> Choice | None:
        """The run's landmarker, unless it is a default and the role's own dataset has another."""
        kind = KINDS["landmarker"]
        present = _kinds_and_tags(own)
        usual = kind.default_beside(present) == kind.default_beside(_kinds_and_tags(shared))
        if usual or self.named_by(kind.name) != DEFAULT:
            return self.choice((role, kind.name), shared[kind.name])
        return self.choice((role, kind.name), beside=present)

    def _table(self, document: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
        table: Any = document
        for part in path:
            table = table.get(part, {}) if isinstance(table, Mapping) else {}
        # `aligner = "2d"` is short for `[aligner] name = "2d"`.
        if isinstance(table, str):
            return {"name": table}
        if not isinstance(table, Mapping):
            raise ConfigError(f"{'.'.join(path)} is {table!r}", "give a name or a table of options")
        return table


def _kinds_and_tags(components: Mapping[str, Choice | None]) -> list[str]:
    """The kinds of which a component is chosen, and the tags of these components."""
    chosen = {kind: choice for kind, choice in components.items() if choice is not None}
    return [*chosen, *(tag for choice in chosen.values() for tag in choice.component.tags)]


def _check_company(components: Mapping[str, Choice | None]) -> None:
    """Refuse a component that needs another kind when none is chosen."""
    for kind, choice in components.items():
        needed = () if choice is None else choice.component.beside
        for other in (other for other in needed if components[other] is None):
            assert choice is not None
            raise ConfigError(
                f"{kind} '{choice.component.name}' needs a {other}, but none is chosen",
                f"add --{other} NAME (`aukit plugins {other}` lists them), or choose another "
                f"--{kind}",
            )


def _check_without_estimator(components: Mapping[str, Choice | None]) -> None:
    """Refuse a run without an estimator that has nothing else to do, or prepares faces for one."""
    if components["estimator"] is not None:
        return
    if components["synth"] is None:
        raise ConfigError(
            "neither an estimator nor a synthesizer is chosen, so there is nothing to fit",
            "add --synth NAME, or an estimator; `aukit align` only registers faces",
        )
    if (normalizer := components["normalizer"]) is not None:
        raise ConfigError(
            f"normalizer '{normalizer.component.name}' is for an estimator, and none is chosen",
            "leave out --normalizer, or choose an --estimator",
        )


def _check_absent(kind: str, tables: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    for origin, table in tables:
        if extra := [key for key in table if key != "name"]:
            raise ConfigError(
                f"{kind}.{extra[0]} is set ({origin}) but no {kind} is chosen",
                f"add --{kind} NAME; `aukit plugins {kind}` lists them",
            )


def _check_partition(role: str, partition: str) -> None:
    if partition not in ("train", "valid", "test", "all"):
        raise ConfigError(f"{role}.partition is '{partition}'", "use train, valid, test or all")
    if role != "test" and partition != "train":
        raise ConfigError(
            f"role {role} cannot use the {partition} partition: models may only be fitted on "
            f"training people",
            "choose another dataset for the role",
        )


def _own_preset(kind: str, origin: str, table: Mapping[str, Any]) -> str:
    """The preset given to this component alone."""
    known = (*PRESETS, PAPER_METHOD)
    if table[PRESET] not in known:
        raise ConfigError(
            f"{kind}.{PRESET} ({origin}): unknown preset '{table[PRESET]}'",
            f"presets: {', '.join(known)}",
        )
    return str(table[PRESET])


def _options(table: Mapping[str, Any]) -> dict[str, Any]:
    return {key: raw for key, raw in table.items() if key not in ("name", PRESET)}
