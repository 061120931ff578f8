"""Options say what role they have, and the presets do what their papers say."""

from __future__ import annotations

import dataclasses
import json

import pytest

from aukit.components import Component
from aukit.config.choice import Choice, build
from aukit.config.departures import departures, told
from aukit.config.resolve import resolve
from aukit.config.values import Value, plain
from aukit.errors import ConfigError
from aukit.published import METHOD, PAPER_METHOD, SIZE
from aukit.registry.loading import default_registry

OWN = [c for c in default_registry().components if c.distribution == "aukit-facs"]
ALL = [*OWN, *(c.fitter() for c in OWN if c.fitting is not None)]
REPRODUCED = {
    "avatars", "procrustes", "prnet", "ganimation", "ganimation-ids", "lacgan", "resample",
    "semantic", "mean-texture", "au0", "vgg16",
}  # fmt: skip
"""The components of the two papers that aukit reproduces."""


def spell(component: Component) -> str:
    return component.factory.partition(":")[2] + " " + component.name


def under(component: Component, preset: str) -> Choice:
    layer = {name: Value(raw, preset) for name, raw in component.preset(preset).items()}
    return Choice(component, *build(component, [layer]))


@pytest.mark.parametrize("component", ALL, ids=spell)
def test_every_option_says_whether_it_is_a_size_or_belongs_to_the_method(
    component: Component,
) -> None:
    roles = {
        entry.name: entry.metadata.get("role") for entry in dataclasses.fields(component.config)
    }
    assert set(roles.values()) <= {SIZE, METHOD}, roles


@pytest.mark.parametrize("component", ALL, ids=spell)
def test_quick_and_full_set_sizes_only(component: Component) -> None:
    roles = {f.name: f.metadata["role"] for f in dataclasses.fields(component.config)}
    for preset in ("quick", "full"):
        method = [name for name in component.preset(preset) if roles[name] != SIZE]
        assert not method, f"{preset} sets {method}"


def test_all_components_of_the_papers_say_what_the_papers_have() -> None:
    assert {component.name for component in OWN if component.published} == REPRODUCED


@pytest.mark.parametrize("component", [c for c in ALL if c.published], ids=spell)
def test_the_preset_paper_sets_every_option_to_the_papers_value(component: Component) -> None:
    options = [entry.name for entry in dataclasses.fields(component.config)]
    assert set(component.published) == set(options)
    chosen = under(component, "paper")
    for name, published in component.published.items():
        assert published.source, name
        if published.standing != "brought":
            assert plain(getattr(chosen.options, name)) == plain(published.value), name
            assert chosen.origins[name] == "paper", name
    left = {found.setting for found in departures("x", chosen)}
    brought = {n for n, p in component.published.items() if p.standing == "brought"}
    assert left == {f"x.{name}" for name in brought}


def test_a_run_lists_its_departures_a_line_each_and_its_sizes_in_one() -> None:
    config = resolve(default_registry(), [("typed", {"synth": "lacgan", "preset": "quick"})])
    lines = told(config.departures())
    assert 'synth.composition = "motion"; the paper: "replace" (eq. 2)' in lines
    assert len([line for line in lines if line.startswith("synth.composition")]) == 1
    assert not [line for line in lines if line.startswith("synth.flip")]  # the paper is silent
    sizes = [line for line in lines if "sizes" in line]
    assert len(sizes) == 1
    assert "synth.size" in sizes[0]
    # Everything else that departs is a method, and has a line.
    assert len(lines) - 1 == sum(found.role == METHOD for found in config.departures())
    origins = {name: origin for name, _, origin in config.rows()}
    assert origins["synth.composition"] == 'default; the paper: "replace" (eq. 2)'


def test_a_component_can_have_a_preset_of_its_own() -> None:
    layers = [("typed", {"preset": "quick", "synth": {"name": "lacgan", "preset": PAPER_METHOD}})]
    config = resolve(default_registry(), layers)
    options = config.need("synth").options
    assert (options.composition, options.labels, options.size) == ("replace", "presence", 32)
    assert config.need("estimator").component.name == "features"
    # The resolved file says everything, so that it needs no preset.
    again = resolve(default_registry(), [("file", json.loads(json.dumps(config.to_json())))])
    assert again.to_json() == config.to_json()
    whole = [("typed", {"preset": "quick", "synth": {"name": "lacgan", "preset": "paper"}})]
    assert resolve(default_registry(), whole).need("synth").options.size == 200


def test_an_unknown_preset_of_a_component_is_refused() -> None:
    layers = [("typed", {"synth": {"name": "lacgan", "preset": "papr"}})]
    with pytest.raises(ConfigError, match=r"synth.preset .*papr"):
        resolve(default_registry(), layers)


def test_full_takes_the_papers_sizes_and_the_components_own_method() -> None:
    config = resolve(default_registry(), [("typed", {"synth": "lacgan", "preset": "full"})])
    options = config.need("synth").options
    assert (options.size, options.learning_rate, options.composition) == (200, 2e-4, "motion")
