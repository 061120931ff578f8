"""The registry, against distributions laid out as pip would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aukit.errors import ConfigError
from aukit.registry.loading import Registry, installed_entry_points

Distribute = Callable[..., Path]

PLUGIN = """
from dataclasses import dataclass
from aukit.components import Component
from aukit.hooks import hookimpl

@dataclass(frozen=True)
class Options:
    size: int = 8

def record(name, **values):
    values = {{"kind": "aligner", "factory": "collections:OrderedDict", **values}}
    return Component(name=name, config=Options, summary="test", **values)

{body}
"""


def plugin(body: str) -> str:
    return PLUGIN.format(body=body)


def aligners(*names: str, **values: object) -> str:
    extra = "".join(f", {key}={value!r}" for key, value in values.items())
    records = ", ".join(f"record({name!r}{extra})" for name in names)
    return plugin(f"@hookimpl\ndef aukit_aligners():\n    return [{records}]")


def loaded(*names: str) -> Registry:
    """A registry of these distributions alone."""
    return Registry(point for point in installed_entry_points() if point[0] in names)


def reason(registry: Registry) -> str:
    (broken,) = registry.broken
    assert broken.error is not None
    return broken.error


def test_the_author_writes_a_record_and_the_registry_stamps_where_it_is_from(
    distribute: Distribute,
) -> None:
    distribute("face-tools", {"face_tools": aligners("mine", aliases=("my-own",))}, version="2.1")
    registry = loaded("face-tools")
    component = registry.find("aligner", "mine")
    assert (component.distribution, component.version) == ("face-tools", "2.1")
    assert component.entry_point == "face_tools"
    for name in ("my-own", "face-tools/mine", "face-tools/my-own"):
        assert registry.find("aligner", name) == component
    assert registry.broken == []


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("import sys; sys.exit('not today')", "SystemExit: not today"),
        ("def broken(:", "SyntaxError"),
        (plugin("@hookimpl\ndef aukit_aligner(): return []"), "did you mean 'aukit_aligners'"),
        (plugin("@hookimpl\ndef zzz(): return []"), "'zzz' is not a hook"),
        (plugin("def aukit_aligners(): return []"), "lacks the marker @hookimpl"),
        (plugin("@hookimpl\ndef aukit_run_started(rum): pass"), "rum"),
        (plugin("@hookimpl\ndef aukit_aligners(): return ['mine']"), "Component records"),
        (plugin("@hookimpl\ndef aukit_aligners(): return 3"), "TypeError"),
        (plugin("@hookimpl\ndef aukit_aligners(): 1 / 0"), "ZeroDivisionError"),
        (aligners("mine", kind="synth"), "is of kind 'synth', but was returned as 'aligner'"),
        (aligners("mine", api=99), "is written for contracts 99; this aukit has 1"),
        (aligners("Mine"), "bad name 'Mine'"),
        (plugin("@hookimpl\ndef aukit_commands(): return {'x': 'y'}"), "command 'x' must be"),
    ],
)
def test_a_broken_plugin_is_recorded_and_the_others_work(
    distribute: Distribute, source: str, expected: str
) -> None:
    distribute("bad-one", {"bad_one": source})
    distribute("good-one", {"good_one": aligners("mine")})
    registry = loaded("bad-one", "good-one")
    assert expected in reason(registry)
    assert "\n" not in reason(registry)
    assert registry.find("aligner", "mine").distribution == "good-one"
    assert registry.manager.list_name_plugin() == [
        ("good-one:good_one", registry.manager.get_plugin("good-one:good_one"))
    ]


def test_an_error_names_the_broken_plugin_that_the_name_may_belong_to(
    distribute: Distribute,
) -> None:
    distribute("bad-one", {"bad_one": "import no_such_module"})
    with pytest.raises(ConfigError, match=r"unknown aligner 'mesh'.*bad-one:bad_one.*no_such"):
        loaded("bad-one").find("aligner", "mesh")


def test_a_near_miss_is_suggested(distribute: Distribute) -> None:
    distribute("face-tools", {"face_tools": aligners("affine", "mesh")})
    with pytest.raises(ConfigError, match="unknown aligner 'afine'") as caught:
        loaded("face-tools").find("aligner", "afine")
    assert caught.value.hint == "did you mean 'affine'? installed: affine, mesh"


def test_a_doubled_name_is_an_error_only_when_it_is_asked_for(distribute: Distribute) -> None:
    distribute("one", {"one": aligners("mesh", "flat")}, version="0.1")
    distribute("two", {"two": aligners("mesh")}, version="2.0")
    registry = loaded("one", "two")
    assert registry.broken == []
    assert registry.find("aligner", "flat").distribution == "one"
    assert registry.find("aligner", "two/mesh").version == "2.0"
    with pytest.raises(ConfigError, match=r"provided by one/mesh 0\.1 and two/mesh 2\.0") as caught:
        registry.find("aligner", "mesh")
    assert caught.value.hint == "use one/mesh"


def test_equal_entry_point_names_of_two_distributions_both_load(distribute: Distribute) -> None:
    distribute("one", {"one_module": aligners("first")}, points={"same": "one_module"})
    distribute("two", {"two_module": aligners("second")}, points={"same": "two_module"})
    names = [component.name for component in loaded("one", "two").of_kind("aligner")]
    assert names == ["first", "second"]


@pytest.mark.parametrize("name", ["one", "same", "one:same"])
def test_any_plugin_can_be_left_out_or_chosen_alone(distribute: Distribute, name: str) -> None:
    distribute("one", {"one_module": aligners("first")}, points={"same": "one_module"})
    distribute("two", {"two_module": aligners("second")}, points={"other": "two_module"})
    points = [p for p in installed_entry_points() if p[0] in ("one", "two")]
    assert [c.name for c in Registry(points, block=[name]).components] == ["second"]
    assert [c.name for c in Registry(points, only=[name]).components] == ["first"]


def test_the_environment_chooses_plugins(
    distribute: Distribute, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribute("one", {"one": aligners("first")})
    distribute("two", {"two": aligners("second")})
    monkeypatch.setenv("AUKIT_PLUGINS", "one, two")
    assert {p.distribution for p in Registry().plugins} == {"one", "two"}
    monkeypatch.setenv("AUKIT_BLOCK", "one")
    assert {p.distribution for p in Registry().plugins} == {"two"}
    monkeypatch.setenv("AUKIT_PLUGINS", "")
    assert Registry().plugins == []


COMMAND = '@hookimpl\ndef aukit_commands(): return {{"{}": ("{}:command", "help of {}")}}'


def test_commands_override_nothing(distribute: Distribute) -> None:
    distribute("one", {"one": plugin(COMMAND.format("draw", "one", "one"))})
    distribute("two", {"two": plugin(COMMAND.format("draw", "two", "two"))})
    distribute("three", {"three": plugin(COMMAND.format("run", "three", "three"))})
    registry = loaded("one", "two", "three")
    assert set(registry.commands()) == {"one/draw", "two/draw", "run"}
    assert set(registry.commands(reserved={"run"})) == {"one/draw", "two/draw", "three/run"}
    assert registry.commands()["two/draw"] == ("two:command", "help of two")


def test_weights_that_cannot_be_told_are_reported_not_raised(distribute: Distribute) -> None:
    distribute("bad-one", {"bad_one": plugin("@hookimpl\ndef aukit_weights(): 1 / 0")})
    registry = loaded("bad-one")
    assert registry.broken == []
    assert registry.weights() == {}
    assert "ZeroDivisionError" in reason(registry)


def test_the_first_plugin_that_knows_a_weights_reference_answers(
    distribute: Distribute, tmp_path: Path
) -> None:
    source = "from pathlib import Path\n@hookimpl\ndef aukit_resolve_weights(ref):\n"
    source += f"    return Path({str(tmp_path)!r}) if ref == 'hub:mine' else None"
    distribute("hub", {"hub": plugin(source)})
    registry = loaded("hub")
    assert registry.resolve_weights("hub:mine") == tmp_path
    file = tmp_path / "weights.bin"
    file.write_bytes(b"1")
    assert registry.resolve_weights(str(file)) == file


def test_the_built_ins_come_through_the_same_door() -> None:
    registry = Registry()
    own = [plugin for plugin in registry.plugins if plugin.distribution == "aukit-facs"]
    assert {"avatars", "mediapipe", "procrustes", "resampling", "vgg", "scores", "local"} <= {
        plugin.name for plugin in own
    }
    assert [plugin for plugin in own if plugin.error] == []
