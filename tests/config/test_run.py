"""The configuration of a run: layers, presets, roles, and files that say it all again."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aukit.components import KINDS, Component
from aukit.config.files import to_toml
from aukit.config.resolve import nest, resolve
from aukit.config.run import ROLES, RunConfig
from aukit.defaults import BESIDE, PHOTOGRAPHS
from aukit.errors import ConfigError
from aukit.registry.loading import Plugin, Registry


@dataclass(frozen=True)
class Options:
    size: int = field(default=224, metadata={"help": "side"})
    rate: float = 0.5
    mode: Literal["all", "stable"] = "all"
    levels: tuple[int, ...] = (1, 2)
    limit: int | None = None
    title: str = 'Ünïcode \U0001f600 "quoted" \\'


def _registry() -> Registry:
    registry = Registry(entry_points=())
    plugin = Plugin("toys", "1.0", "toys")
    for kind in KINDS.values():
        names = {kind.default or "extra", "other", *BESIDE.get(kind.name, {}).values()} - {"none"}
        plugin.components += [
            Component(
                kind.name, name, "a:B", Options, "toy",
                presets={"quick": {"size": 64}, "paper": {"rate": 0.1}},
                tags=(PHOTOGRAPHS,) if name == "photos" else (),
                distribution="toys", version="1.0",
            )
            for name in (*names, "photos")
        ]  # fmt: skip
    registry.plugins.append(plugin)
    return registry


REGISTRY = _registry()


def resolved(typed: dict[str, Any], file: dict[str, Any] | None = None) -> RunConfig:
    layers = [] if file is None else [("run.toml", file)]
    return resolve(REGISTRY, [*layers, ("command line", nest(typed))], preset="quick")


def option(config: RunConfig, kind: str, name: str) -> tuple[Any, str]:
    choice = config.need(kind)
    return getattr(choice.options, name), choice.origins[name]


def test_without_settings_the_defaults_are_chosen() -> None:
    config = resolved({})
    chosen = {k: c.component.name if c else None for k, c in config.components.items()}
    assert chosen == {kind.name: kind.default for kind in KINDS.values() if not kind.several}
    assert config.options.preset == "quick"
    assert config.origins["preset"] == "default (hardware)"


def test_a_default_may_depend_on_another_choice() -> None:
    plain, painted = resolved({}), resolved({"synth": "extra"})
    assert plain.need("balancer").component.name == "resample"
    assert painted.need("balancer").component.name == "semantic"
    assert painted.need("balancer").chosen_by == "default (with synth)"
    assert resolved({"synth": "extra", "balancer": "other"}).need("balancer").component.name == (
        "other"
    )
    assert resolved({"synth": "none"}).need("balancer").component.name == "resample"


def landmarkers(typed: dict[str, Any]) -> list[str]:
    """Those of the training and the test role."""
    roles = (resolved(typed).roles[name] for name in ("train", "test"))
    return [role.landmarker.component.name if role.landmarker else "none" for role in roles]


def test_landmarks_are_detected_in_photographs_unless_a_run_says_otherwise() -> None:
    photos = {"data": "photos"}
    assert landmarkers({}) == ["none", "none"]
    assert landmarkers(photos) == ["mediapipe", "mediapipe"]
    assert resolved(photos).need("landmarker").chosen_by == "default (with photographs)"
    assert landmarkers({**photos, "landmarker": "none"}) == ["none", "none"]
    assert landmarkers({**photos, "landmarker": "other"}) == ["other", "other"]


def test_the_default_landmarker_of_a_role_is_that_of_its_own_dataset() -> None:
    assert landmarkers({"test.data": "photos"}) == ["none", "mediapipe"]
    assert landmarkers({"data": "photos", "test.data": "other"}) == ["mediapipe", "none"]
    assert landmarkers({"test.data": "photos", "landmarker": "other"}) == ["other", "other"]
    assert landmarkers({"test.data": "photos", "landmarker": "none"}) == ["none", "none"]
    assert landmarkers({"test.data": "photos", "test.landmarker": "other"}) == ["none", "other"]


def test_a_component_that_needs_another_kind_is_refused_without_it() -> None:
    registry = _registry()
    (plugin,) = registry.plugins
    places = [n for n, c in enumerate(plugin.components) if c.name == "semantic"]
    plugin.components[places[0]] = replace(plugin.components[places[0]], beside=("synth",))
    with pytest.raises(ConfigError, match=r"balancer 'semantic' needs a synth") as caught:
        resolve(registry, [("test", {"balancer": "semantic"})], preset="quick")
    assert "--synth NAME" in str(caught.value)
    resolve(registry, [("test", {"balancer": "semantic", "synth": "extra"})], preset="quick")


def test_default_below_preset_below_file_below_command_line() -> None:
    assert option(resolved({"preset": "paper"}), "aligner", "size") == (224, "default")
    assert option(resolved({}), "aligner", "size") == (64, "preset quick")
    file = {"aligner": {"size": 32}}
    assert option(resolved({}, file), "aligner", "size") == (32, "run.toml")
    assert option(resolved({"aligner.size": "16"}, file), "aligner", "size") == (
        16,
        "command line",
    )


def test_a_bare_name_is_short_for_a_table() -> None:
    for file in ({"aligner": "other"}, {"aligner": {"name": "other"}}):
        assert resolved({}, file).need("aligner").component.name == "other"
    assert resolved({"aligner": "other"}, {"aligner": "2d"}).need("aligner").chosen_by == (
        "command line"
    )


def test_roles_share_what_they_do_not_choose() -> None:
    config = resolved({"data.size": "48", "aligner.rate": "0.25"})
    assert all(role.data == config.components["data"] for role in config.roles.values())
    assert all(role.aligner == config.components["aligner"] for role in config.roles.values())
    assert {name: role.partition for name, role in config.roles.items()} == ROLES


def test_a_role_may_change_one_option_and_keeps_the_others() -> None:
    config = resolved({"data.size": "48", "data.rate": "0.25", "test.data.rate": "0.75"})
    test = config.roles["test"].data
    assert (test.options.size, test.options.rate) == (48, 0.75)
    assert test.origins["rate"] == "command line"
    assert config.roles["train"].data.options.rate == 0.25


def test_a_role_with_another_component_starts_from_its_own_defaults() -> None:
    config = resolved({"data.size": "48", "test.data": "other"})
    assert config.roles["test"].data.component.name == "other"
    assert config.roles["test"].data.options.size == 64
    assert config.roles["train"].data.component.name == "avatars"


def test_a_role_may_have_a_landmarker_where_the_run_has_none() -> None:
    config = resolved({"test.landmarker": "other"})
    assert config.components["landmarker"] is None
    assert config.roles["test"].landmarker is not None
    assert config.roles["train"].landmarker is None


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ({"sede": 1}, "has no option 'sede'", "did you mean 'seed'"),
        ({"seed": "x"}, r"seed \(command line\): 'x' is not a whole number", None),
        ({"per_view": "true"}, "per_view is set, but no views are", "--views"),
        ({"preset": "fast"}, "unknown preset 'fast'", "quick, full, paper"),
        ({"draws": "0"}, "draws must be 1 to 100,000", None),
        ({"aus": "1,99"}, "'99' is not a known action unit", "known AUs"),
        ({"aligner": "othr"}, "unknown aligner 'othr'", "did you mean 'other'"),
        ({"aligner": "none"}, "unknown aligner 'none'", "installed: "),
        ({"aligner.sise": 1}, "2d has no option 'sise'", "did you mean 'size'"),
        ({"synth.size": 1}, "synth.size is set .* but no synth is chosen", "--synth NAME"),
        ({"tset.data": "other"}, "has no option 'tset'", "did you mean 'test'"),
        ({"test.dat": "other"}, "role test .* has no option 'dat'", "did you mean 'data'"),
        ({"test.partition": "dev"}, "test.partition is 'dev'", "train, valid, test or all"),
        (
            {"train.partition": "test"},
            "models may only be fitted on training people",
            "another dataset",
        ),
        ({"synth-fit.partition": "valid"}, "models may only be fitted on training people", None),
        ({"estimator": "none"}, "neither an estimator nor a synthesizer", "--synth NAME"),
    ],
)
def test_what_cannot_be_is_refused_with_the_way_out(
    typed: dict[str, Any], message: str, hint: str | None
) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        resolved(typed)
    assert hint is None or hint in (caught.value.hint or "")


def test_aus_are_written_as_people_do() -> None:
    assert resolved({"aus": "12,AU4"}).options.aus == ("AU04", "AU12")
    assert resolved({}, {"aus": [12, 4]}).options.aus == ("AU04", "AU12")


settings = st.fixed_dictionaries(
    {},
    optional={
        "seed": st.integers(0, 2**31),
        "preset": st.sampled_from(["quick", "paper", "auto"]),
        "aus": st.just("1,12"),
        "aligner": st.sampled_from(["2d", "other"]),
        "synth": st.sampled_from(["extra", "none"]),
        "data.size": st.integers(1, 512),
        "data.title": st.text(st.characters(exclude_categories=["Cs", "Cc"])),
        "estimator.rate": st.floats(1e-9, 1e9),
        "estimator.levels": st.lists(st.integers(0, 9)),
        "metric.limit": st.none() | st.integers(),
        "test.data": st.sampled_from(["avatars", "other"]),
        "test.data.mode": st.sampled_from(["all", "stable"]),
        "synth-fit.aligner": st.just("other"),
        "test.partition": st.sampled_from(["train", "valid", "test"]),
        "train.landmarker": st.just("other"),
    },
)


@given(settings)
def test_the_resolved_file_resolves_to_the_same_run(typed: dict[str, Any]) -> None:
    config = resolved(typed)
    document = tomllib.loads(to_toml(config))
    again = resolve(REGISTRY, [("run.toml", document)], preset="paper")
    assert again.to_json() == config.to_json()
    from_json = resolve(REGISTRY, [("run.json", config.to_json())], preset="paper")
    assert from_json.to_json() == config.to_json()


def test_the_resolved_file_tells_origins() -> None:
    text = to_toml(resolved({"data.size": "48"}, {"seed": 3}))
    assert "seed = 3  # run.toml" in text
    assert "size = 48  # command line" in text
    assert "size = 64  # preset quick" in text


def test_rows_hold_every_setting_once_with_its_origin() -> None:
    rows = list(resolved({"test.data": "other", "seed": 3}).rows())
    names = [name for name, _, _ in rows]
    assert len(set(names)) == len(names)
    assert ("seed", "3", "command line") in rows
    assert ("test.data", "toys/other", "command line") in rows
    assert ("synth", "none", "default") in rows


def test_a_dotted_setting_becomes_a_table() -> None:
    assert nest({"seed": 1, "synth": "x", "synth.size": 2, "test.data": "y", "test.data.a": 3}) == {
        "seed": 1,
        "synth": {"name": "x", "size": 2},
        "test": {"data": {"name": "y", "a": 3}},
    }
