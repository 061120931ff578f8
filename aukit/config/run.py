"""The configuration of a run: components, their options, and the roles of data.

A run has four roles. They share one dataset, landmarker and aligner unless a role has its own, as
cross-domain and cross-pose experiments need:

| role | faces |
|---|---|
| `synth-fit` | the synthesizer is fitted on these |
| `synth-paint` | the synthesizer edits these |
| `train` | the estimator is fitted on these (and selected on their `valid` partition) |
| `test` | these are scored |
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aukit.config.choice import Choice
from aukit.config.departures import Departure, departures
from aukit.config.options import RunOptions
from aukit.config.panel import Panel
from aukit.config.values import DEFAULT, plain
from aukit.defaults import PUBLISHED
from aukit.errors import ConfigError
from aukit.published import METHOD

ROLES: dict[str, str] = {
    "synth-fit": "train",
    "synth-paint": "train",
    "train": "train",
    "test": "test",
}
"""Role -> its default partition."""

ROLE_KINDS = ("data", "landmarker", "aligner")
"""Kinds that a role may choose separately."""


@dataclass(frozen=True)
class Role:
    """The faces that play a role.

    Attributes:
        data, landmarker, aligner: where the faces come from; without a landmarker, the dataset's
            landmarks are used.
        partition: `train`, `valid` or `test`.
        views: names of the views it is limited to (`aukit.views`); empty: all.
    """

    data: Choice
    landmarker: Choice | None
    aligner: Choice
    partition: str
    views: tuple[str, ...] = ()


@dataclass(frozen=True)
class RunConfig:
    """Everything that determines the numbers of a run.

    Attributes:
        options: settings of the run as a whole, `preset` resolved.
        roles: role name -> `Role`.
        components: kind -> choice, None where an optional kind is left out.
        judges: who judges synthetic faces.
        reference: where there are a synthesizer and an estimator, the balancer that a run without a
            synthesizer would have: what must not know synthetic faces is fitted on its plan.
        yardstick: the simple estimator that the run's own is compared with; None: no comparison, or
            it is the run's own.
        origins: where each setting of the run as a whole came from, and who names each kind.
    """

    options: RunOptions
    roles: Mapping[str, Role]
    components: Mapping[str, Choice | None]
    judges: Panel
    reference: Choice | None
    yardstick: Choice | None
    origins: Mapping[str, str]

    def need(self, kind: str) -> Choice:
        """The choice of a kind that is required.

        Raises:
            ConfigError: none is chosen.

        """
        choice = self.components[kind]
        if choice is None:
            raise ConfigError(f"{kind} cannot be 'none'")
        return choice

    @property
    def estimates(self) -> bool:
        """Whether the run fits an estimator, and so has predictions and scores."""
        return self.components["estimator"] is not None

    def to_json(self) -> dict[str, Any]:
        """A run file that resolves to this configuration."""
        document: dict[str, Any] = plain(self.options)
        for kind, choice in self.components.items():
            document[kind] = _section(choice)
        document[self.judges.kind] = self.judges.to_json()
        for name, role in self.roles.items():
            document[name] = {"partition": role.partition}
            if role.views:
                document[name]["views"] = " ".join(role.views)
            for kind in ROLE_KINDS:
                if _section(getattr(role, kind)) != _section(self.components[kind]):
                    document[name][kind] = _section(getattr(role, kind))
        return document

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(setting, value, origin) rows for tables; the origin notes where the papers differ."""
        papers = {found.setting: found.paper for found in self.departures()}
        for name, value, origin in self._rows():
            yield name, value, f"{origin}; {papers[name]}" if name in papers else origin

    def departures(self) -> list[Departure]:
        """Where the components depart from their papers."""
        choices = [*self.components.items(), *self._own_choices()]
        found = [departures(label, choice) for label, choice in choices if choice is not None]
        return [*self._other_defaults(), *itertools.chain.from_iterable(found)]

    def _other_defaults(self) -> Iterator[Departure]:
        """Components that are defaults, and not those of the papers."""
        for kind, (name, source) in PUBLISHED.items():
            choice = self.components[kind]
            if choice is None or choice.chosen_by != DEFAULT or choice.component.name == name:
                continue
            value = json.dumps(choice.component.name)
            yield Departure(kind, value, f'the paper: "{name}" ({source})', METHOD)

    def _own_choices(self) -> Iterator[tuple[str, Choice | None]]:
        """The separate choices of roles, as (`role.kind`, choice)."""
        for name, role in self.roles.items():
            for kind in ROLE_KINDS:
                if _section(getattr(role, kind)) != _section(self.components[kind]):
                    yield f"{name}.{kind}", getattr(role, kind)

    def _rows(self) -> Iterator[tuple[str, str, str]]:
        for name, value in plain(self.options).items():
            yield name, json.dumps(value), self.origins[name]
        for kind, choice in self.components.items():
            yield from _choice_rows(kind, choice, self.origins[kind])
        yield from self.judges.rows()
        for name, role in self.roles.items():
            yield f"{name}.partition", role.partition, self.origins[f"{name}.partition"]
            if role.views:
                yield f"{name}.views", " ".join(role.views), self.origins[f"{name}.views"]
        for label, choice in self._own_choices():
            yield from _choice_rows(label, choice)


def _section(choice: Choice | None) -> dict[str, Any]:
    if choice is None:
        return {"name": "none"}
    return {"name": choice.component.qualified, **plain(choice.options)}


def _choice_rows(
    label: str, choice: Choice | None, left_out_by: str = DEFAULT
) -> Iterator[tuple[str, str, str]]:
    if choice is None:
        yield label, "none", left_out_by
        return
    yield label, choice.component.qualified, choice.chosen_by
    for name, value in plain(choice.options).items():
        yield f"{label}.{name}", json.dumps(value), choice.origins[name]
