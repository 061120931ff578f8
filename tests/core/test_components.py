"""Component records: what is accepted, and what is said about the rest."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import pytest

from aukit.components import API, KINDS, Component, validate
from aukit.errors import PluginError


@dataclass(frozen=True)
class Options:
    size: int = 224


@dataclass(frozen=True)
class Demanding:
    size: int


GOOD = Component(
    kind="aligner",
    name="mine",
    factory="collections:OrderedDict",
    config=Options,
    summary="a test",
    aliases=("my-own",),
    presets={"quick": {"size": 64}},
    distribution="somewhere",
    version="1.2",
)


def test_a_good_record_passes() -> None:
    validate(GOOD)
    assert GOOD.qualified == "somewhere/mine"
    assert GOOD.names == ("mine", "my-own")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kind": "alinger"}, "unknown kind"),
        ({"name": "Mine"}, "bad name"),
        ({"name": "a/b"}, "bad name"),
        ({"name": ""}, "bad name"),
        ({"aliases": ("two words",)}, "bad name"),
        ({"kind": "synth", "name": "none"}, "left out"),
        ({"api": API + 1}, f"contracts {API + 1}; this aukit has {API}"),
        ({"factory": "collections.OrderedDict"}, "package.module:Class"),
        ({"config": dict}, "must be a dataclass"),
        ({"config": Options()}, "must be a dataclass"),
        ({"config": Demanding}, "option 'size' has no default"),
        ({"beside": ("synht",)}, "needs unknown kinds"),
        ({"presets": {"quick": {"sise": 1}}}, "preset 'quick' sets unknown options"),
    ],
)
def test_a_malformed_record_is_refused_by_the_rule(change: dict, complaint: str) -> None:
    with pytest.raises(PluginError, match=complaint):
        validate(replace(GOOD, **change))


def test_none_is_a_name_where_the_step_cannot_be_left_out() -> None:
    validate(replace(GOOD, kind="balancer", name="none"))


def test_a_missing_requirement_is_found_without_importing() -> None:
    record = replace(GOOD, requires=("wave", "no_such_package"), install_hint="pip install x")
    sys.modules.pop("wave", None)
    assert record.missing() == ("no_such_package",)
    assert "wave" not in sys.modules
    with pytest.raises(PluginError, match="needs no_such_package") as caught:
        record.load()
    assert caught.value.hint == "pip install x"


def test_the_factory_is_imported_when_asked_for() -> None:
    from collections import OrderedDict

    assert GOOD.load() is OrderedDict


@pytest.mark.parametrize("factory", ["no_such_module:X", "collections:NoSuchClass"])
def test_a_factory_that_cannot_be_had_names_its_distribution(factory: str) -> None:
    with pytest.raises(PluginError, match=r"'mine' \(somewhere 1\.2\) cannot be imported"):
        replace(GOOD, factory=factory).load()


def test_flags_and_hooks_of_kinds_are_distinct() -> None:
    assert len({kind.flag for kind in KINDS.values()}) == len(KINDS)
    assert len({kind.hook for kind in KINDS.values()}) == len(KINDS)
    assert all(kind.flag == f"--{name}" == f"--{kind.name}" for name, kind in KINDS.items())
