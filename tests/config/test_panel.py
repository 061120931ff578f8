"""Several components of one kind side by side."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import Any

import pytest

from aukit.components import KINDS, Component
from aukit.config.panel import Panel, resolve_panel
from aukit.config.resolve import nest
from aukit.config.values import DEFAULT
from aukit.errors import ConfigError
from aukit.registry.loading import Plugin, Registry


@dataclass(frozen=True)
class Options:
    weights: str = field(default="own", metadata={"help": "file"})


def _registry() -> Registry:
    registry = Registry(entry_points=())
    plugin = Plugin("toys", "1.0", "toys")
    for name, tags in (("free", ("auto",)), ("asked", ()), ("plain", ("auto",))):
        plugin.components.append(
            Component("judge", name, "a:B", Options, "toy", tags=tags, distribution="toys")
        )
    registry.plugins.append(plugin)
    return registry


def panel(typed: dict[str, Any], file: dict[str, Any] | None = None) -> Panel:
    layers = [("run.toml", file or {}), ("command line", nest(typed))]
    return resolve_panel(_registry(), "judge", layers, "quick")


def names(found: Panel) -> list[str]:
    return [choice.component.name for choice in found.choices]


def test_auto_means_those_that_are_tagged_so() -> None:
    found = panel({})
    assert KINDS["judge"].default == "auto"
    assert names(found) == ["free", "plain"]
    assert {choice.chosen_by for choice in found.choices} == {DEFAULT}


def test_names_are_taken_in_their_order_and_remembered_as_asked_for() -> None:
    found = panel({"judge": "asked,free"})
    assert names(found) == ["asked", "free"]
    assert {choice.chosen_by for choice in found.choices} == {"command line"}
    assert names(panel({"judge": "none"})) == []


def test_each_has_options_of_its_own_and_later_layers_win() -> None:
    file = {
        "judge": {"name": ["free", "asked"], "asked": {"weights": "a"}, "free": {"weights": "b"}}
    }
    found = panel({"judge.asked.weights": "c"}, file)
    assert [choice.options.weights for choice in found.choices] == ["b", "c"]
    assert found.choices[1].origins["weights"] == "command line"
    rows = {name: (value, origin) for name, value, origin in found.rows()}
    assert rows["judge"] == ("free,asked", "run.toml")
    assert rows["judge.asked.weights"] == ("c", "command line")


def test_a_run_file_brings_the_same_panel_back() -> None:
    for typed in ({}, {"judge": "none"}, {"judge": "asked", "judge.asked.weights": "x"}):
        before = panel(typed)
        after = panel({}, {"judge": before.to_json()})
        assert (after.names, names(after)) == (before.names, names(before))
        assert after.to_json() == before.to_json()


def test_options_of_those_whom_a_later_layer_does_not_name_are_passed_over() -> None:
    file = {"judge": {"name": "auto", "free": {"weights": "b"}}}
    assert names(panel({"judge": "asked"}, file)) == ["asked"]
    with pytest.raises(ConfigError, match="has no option 'frei'"):
        panel({"judge": "asked"}, {"judge": {"frei": {"weights": "b"}}})


def test_lists_and_text_are_both_short_for_the_name() -> None:
    for text in ('judge = "free,asked"', 'judge = ["free", "asked"]'):
        assert names(panel({}, tomllib.loads(text))) == ["free", "asked"]


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ({"judge": "nobody"}, "unknown judge 'nobody'"),
        ({"judge": "free,free"}, "judge 'free' is named twice"),
        ({"judge": "free", "judge.asked.weights": "x"}, "judge .* has no option 'asked'"),
        ({"judge": "free", "judge.free.wights": "x"}, "free has no option 'wights'"),
    ],
)
def test_mistakes_are_named(typed: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        panel(typed)
