"""What a plugin says about its components, without importing them.

A plugin returns `Component` records. A record names its factory as a string, so listing, help and
configuration import nothing heavy; the factory is imported when the component is built.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import importlib.util
import re
import sys
import typing
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from aukit.defaults import BESIDE, RUN
from aukit.errors import ConfigError, PluginError
from aukit.faults import is_interrupt, reason
from aukit.published import PRESETS, Published, preset_values

API = 1
"""Version of the hooks and contracts. A record names the one it was written against."""


@dataclass(frozen=True)
class Kind:
    """A kind of component.

    Attributes:
        name: the word in configuration and messages, e.g. `aligner`.
        hook: name of the collecting hook.
        flag: command line option, e.g. `--aligner`.
        summary: one line of help.
        several: whether several components are used side by side (`aukit.config.panel`).
        omissible: whether `none` leaves the step out although there is a default.
    """

    name: str
    hook: str
    flag: str
    summary: str
    several: bool = False
    omissible: bool = False

    @property
    def default(self) -> str | None:
        """The component used when none is named; None if the kind may be left out."""
        return RUN[self.name]

    def default_beside(self, chosen: Collection[str]) -> tuple[str | None, str | None]:
        """The default given the chosen kinds and tags, and which of them determined it."""
        beside = BESIDE.get(self.name, {})
        decided = ((name, other) for other, name in beside.items() if other in chosen)
        return next(decided, (self.default, None))

    @property
    def optional(self) -> bool:
        """Whether `none` may be chosen to leave the step out."""
        return self.default is None or self.several or self.omissible


KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("data", "aukit_datasets", "--data", "dataset: frames, people and AU codes"),
        Kind("landmarker", "aukit_landmarkers", "--landmarker", "finds faces and landmarks"),
        Kind("aligner", "aukit_aligners", "--aligner", "registers faces"),
        Kind("synth", "aukit_synthesizers", "--synth", "synthesizes faces with given AUs"),
        Kind("balancer", "aukit_balancers", "--balancer", "plans the training set"),
        Kind("normalizer", "aukit_normalizers", "--normalizer", "normalizes for the person"),
        Kind("estimator", "aukit_estimators", "--estimator", "predicts AUs", omissible=True),
        Kind("metric", "aukit_metrics", "--metric", "scores predictions"),
        Kind(
            "judge",
            "aukit_judges",
            "--judge",
            "judge synthetic faces; several: a,b; auto: all available",
            several=True,
        ),
        Kind("executor", "aukit_executors", "--executor", "runs the map-like stages"),
    )
}


@dataclass(frozen=True)
class Fitting:
    """How `aukit fit` trains the weights of a component that runs do not fit.

    Attributes:
        factory: `package.module:Class`, called as `Class(config, context)`; the instance has the
            protocol of its kind (`aukit.contracts.aligner.FitsAligner`).
        config: frozen dataclass of the fit's options, as for `Component.config`.
        presets, published: as for a component.
    """

    factory: str
    config: type[Any]
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)


@dataclass(frozen=True)
class Component:
    """A component that can be chosen by name.

    Attributes:
        kind: a key of `KINDS`.
        name: what the user types; lower case letters, digits and hyphens.
        factory: `package.module:Class`, called as `Class(config, context)`.
        config: frozen dataclass of its options; importable without heavy packages. Every field
            has a default; `metadata={"role": SIZE, "help": ...}` explains it.
        summary: one line of at most 72 characters.
        aliases: other names for it.
        presets: option values by preset name; `quick` sets sizes only. What `full` and `paper` set
            follows from `published`, and may be completed here.
        published: option -> its value in the component's paper.
        requires: import names that must be installed.
        install_hint: command to type when one of them is missing.
        accepts: input that the component needs (landmark schemes for aligners).
        beside: kinds that it requires (`synth`, for a balancer that plans synthetic faces).
        tags: properties used by the conformance checks (`stochastic`, `needs-fit`), and `auto`.
        licence: SPDX name of the code.
        weights_licence: licence of the weights it uses, if any.
        data_licence: terms of the data it reads or bundles, if any.
        paper: what to cite.
        fitting: how `aukit fit` trains its weights; None if it does not.
        api: version of the contracts it was written against.
        distribution, version, entry_point: stamped by the registry, never by the author.
    """

    kind: str
    name: str
    factory: str
    config: type[Any]
    summary: str
    aliases: tuple[str, ...] = ()
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    published: Mapping[str, Published] = field(default_factory=dict)
    requires: tuple[str, ...] = ()
    install_hint: str = ""
    accepts: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    licence: str = "Apache-2.0"
    weights_licence: str = ""
    data_licence: str = ""
    paper: str = ""
    fitting: Fitting | None = None
    api: int = API
    distribution: str = ""
    version: str = ""
    entry_point: str = ""

    @property
    def qualified(self) -> str:
        """`distribution/name`, unique among all installed components."""
        return f"{self.distribution}/{self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """The name and its aliases."""
        return (self.name, *self.aliases)

    def preset(self, name: str) -> dict[str, Any]:
        """The option values of a preset; empty if the component does not define it."""
        return preset_values(name, fields(self.config), self.presets, self.published)

    @property
    def preset_names(self) -> tuple[str, ...]:
        """Names of the presets that set any option."""
        return tuple(name for name in PRESETS if self.preset(name))

    def fitter(self) -> Component:
        """The record of the component that `aukit fit` builds for this one.

        Raises:
            ConfigError: `aukit fit` cannot train weights for it.
        """
        if self.fitting is None:
            raise ConfigError(
                f"{self.kind} '{self.name}' has no weights that can be fitted",
                f"see `aukit plugins show {self.name}`",
            )
        values = {entry.name: getattr(self.fitting, entry.name) for entry in fields(Fitting)}
        return dataclasses.replace(self, **values, fitting=None)

    def missing(self) -> tuple[str, ...]:
        """Required packages that are not installed (looked up, not imported)."""
        return tuple(name for name in self.requires if not _installed(name))

    def load(self) -> Any:
        """Import and return the factory.

        Raises:
            PluginError: a required package is missing, or the import fails.
        """
        if absent := self.missing():
            raise PluginError(
                f"{self.kind} '{self.name}' needs {', '.join(absent)}, which is not installed",
                self.install_hint or f"pip install {' '.join(absent)}",
            )
        module, _, attribute = self.factory.partition(":")
        try:
            # Keep standard output clean: a program may read it (`--json`).
            with contextlib.redirect_stdout(sys.stderr):
                return getattr(importlib.import_module(module), attribute)
        except BaseException as error:
            if is_interrupt(error):
                raise
            raise PluginError(
                f"{self.kind} '{self.name}' ({self.distribution} {self.version}) "
                f"cannot be imported: {reason(error)}"
            ) from error


def _installed(name: str) -> bool:
    """Whether a package can be found; looking up `a.b` imports `a`, which may raise anything."""
    try:
        return importlib.util.find_spec(name) is not None
    except BaseException as error:
        if is_interrupt(error):
            raise
        return False


AUTO = "auto"
"""Tag, and name that selects all components with the tag, for kinds that allow several."""

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def validate(component: Component) -> None:
    """Refuse a malformed record.

    Raises:
        PluginError: the record breaks a rule; the message names the rule.
    """
    where = f"component {component.name!r}"
    _validate_words(component, where)
    if component.kind not in KINDS:
        raise PluginError(f"{where}: unknown kind {component.kind!r}; kinds: {', '.join(KINDS)}")
    for name in component.names:
        if not _NAME.fullmatch(name):
            raise PluginError(f"{where}: bad name {name!r}: use lower case, digits and hyphens")
        if name == "none" and KINDS[component.kind].optional:
            raise PluginError(f"{where}: 'none' means that the {component.kind} step is left out")
    if component.api != API:
        raise PluginError(f"{where} is written for contracts {component.api}; this aukit has {API}")
    if unknown := set(component.beside) - set(KINDS):
        raise PluginError(f"{where} needs unknown kinds {sorted(unknown)} beside it")
    if ":" not in component.factory:
        raise PluginError(f"{where}: factory {component.factory!r} is not 'package.module:Class'")
    _validate_config(component, where)
    if component.fitting is not None:
        _validate_config(component.fitter(), f"{where}, fitting")


def _validate_words(component: Component, where: str) -> None:
    for name in ("name", "factory", "summary", "install_hint"):
        if not isinstance(getattr(component, name), str):
            raise PluginError(f"{where}: {name} must be a string")
    for name in ("aliases", "requires", "tags"):
        words = getattr(component, name)
        if not (isinstance(words, tuple) and all(isinstance(word, str) for word in words)):
            raise PluginError(f"{where}: {name} must be a tuple of strings")


def _validate_config(component: Component, where: str) -> None:
    config = component.config
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise PluginError(f"{where}: config must be a dataclass")
    try:
        typing.get_type_hints(config)
    except Exception as error:
        raise PluginError(f"{where}: its options cannot be read: {reason(error)}") from error
    fields = {f.name: f for f in dataclasses.fields(config)}
    for name, entry in fields.items():
        if entry.default is dataclasses.MISSING and entry.default_factory is dataclasses.MISSING:
            raise PluginError(f"{where}: option {name!r} has no default")
        _validate_default(entry, f"{where}, option {name!r}")
    if unknown := set(component.published) - set(fields):
        raise PluginError(f"{where}: published values of unknown options {sorted(unknown)}")
    for preset, values in component.presets.items():
        if unknown := set(values) - set(fields):
            raise PluginError(f"{where}: preset {preset!r} sets unknown options {sorted(unknown)}")


def _validate_default(entry: dataclasses.Field[Any], where: str) -> None:
    """Refuse a default that cannot be shown in the help of commands."""
    make: Any = entry.default_factory
    try:
        str(entry.default if make is dataclasses.MISSING else make())
    except BaseException as error:
        if is_interrupt(error):
            raise
        raise PluginError(f"{where}: its default cannot be shown: {reason(error)}") from error
