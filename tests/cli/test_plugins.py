"""`aukit plugins`: everything that is installed, and what is wrong with the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aukit.cli.main import main

Distribute = Callable[..., Path]

MINE = """
from dataclasses import dataclass, field
from aukit.components import Component
from aukit.hooks import hookimpl

@dataclass(frozen=True)
class Options:
    size: int = field(default=8, metadata={"help": "side in pixels"})
    wide: bool = field(default=False, metadata={"help": "look further"})

@hookimpl
def aukit_aligners():
    return [Component(kind="aligner", name="mine", factory="mine:Mine", config=Options,
                      summary="a test aligner", presets={"quick": {"size": 4}},
                      requires=("no_such_package",), install_hint="pip install it",
                      licence="MIT")]

@hookimpl
def aukit_commands():
    return {"greet": ("mine:greet", "Say hello."), "run": ("mine:greet", "Another run.")}

import click

@click.command()
def greet():
    click.echo("hello")
"""


ALIGNER = """
class Mine:
    def __init__(self, config, context):
        pass
    def align(self, images, faces):
        raise NotImplementedError
    def describe(self):
        return {}
"""


def answer(capsys: pytest.CaptureFixture[str], *line: str) -> Any:
    """What a command prints as JSON."""
    assert main([*line, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def mine(distribute: Distribute) -> None:
    distribute("face-tools", {"mine": MINE}, version="3.2")


@pytest.mark.usefixtures("mine")
def test_a_component_is_listed_with_where_it_is_from_and_its_state(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = answer(capsys, "plugins", "aligner")["components"]
    (listed,) = [component for component in found if component["name"] == "mine"]
    assert listed == {
        "kind": "aligner",
        "name": "mine",
        "aliases": [],
        "distribution": "face-tools",
        "version": "3.2",
        "licence": "MIT",
        "state": "needs no_such_package: pip install it",
        "summary": "a test aligner",
    }
    assert {component["kind"] for component in found} == {"aligner"}


def test_the_plain_list_shows_every_kind(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    text = capsys.readouterr().out
    for word in ("avatars", "procrustes, 2d", "vgg16", "mediapipe", "aukit-facs", "Apache-2.0"):
        assert word in text


def test_a_broken_plugin_is_listed_with_its_reason(
    distribute: Distribute, capsys: pytest.CaptureFixture[str]
) -> None:
    distribute("bad-one", {"bad_one": "raise RuntimeError('no luck')"}, version="0.3")
    broken = answer(capsys, "plugins")["broken"]
    assert broken == [
        {
            "plugin": "bad_one",
            "distribution": "bad-one",
            "version": "0.3",
            "error": "RuntimeError: no luck",
        }
    ]
    assert main(["plugins"]) == 0
    assert "RuntimeError: no luck" in capsys.readouterr().out


def test_verbose_tells_of_broken_plugins_at_once(
    distribute: Distribute, capsys: pytest.CaptureFixture[str]
) -> None:
    distribute("bad-one", {"bad_one": "raise RuntimeError('no luck')"})
    assert main(["-v", "plugins", "metric"]) == 0
    expected = "plugin bad-one:bad_one is not in use: RuntimeError: no luck\n"
    assert capsys.readouterr().err == expected


@pytest.mark.usefixtures("mine")
def test_a_plugin_can_be_left_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUKIT_BLOCK", "")
    assert main(["--block", "face-tools", "plugins", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["components"]
    assert "face-tools" not in {component["distribution"] for component in found}


def test_show_explains_options_with_types_defaults_and_help(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (shown,) = answer(capsys, "plugins", "show", "vgg16")["components"]
    options = {option["name"]: option for option in shown["options"]}
    assert options["networks"]["type"] == "per-au | shared"
    assert options["dropout"]["default"] == 0.05
    assert all(option["help"] for option in shown["options"])
    assert main(["plugins", "show", "vgg16"]) == 0
    text = capsys.readouterr().out
    assert "aukit run --estimator vgg16" in text
    assert "learning_rate" in text


def test_options_of_a_third_partys_component_are_typed_options_of_a_run(
    distribute: Distribute, capsys: pytest.CaptureFixture[str]
) -> None:
    ready = MINE.replace('requires=("no_such_package",), install_hint="pip install it",', "")
    distribute("face-tools", {"mine": ready + ALIGNER}, version="3.2")
    assert main(["run", "--aligner", "mine", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Aligner mine (face-tools):" in text
    assert "side in pixels  [default: 8; quick: 4]" in text
    dry = ("run", "--dry-run", "--preset", "quick", "--aligner", "mine", "--aligner.wide")
    found = answer(capsys, *dry, "--seed", "3")
    assert found["config"]["aligner"] == {"name": "face-tools/mine", "size": 4, "wide": True}
    assert found["origins"]["aligner.wide"] == "command line"
    assert found["origins"]["aligner.size"] == "preset quick"
    assert found["origins"]["seed"] == "command line"


@pytest.mark.usefixtures("mine")
def test_a_missing_requirement_is_told_with_the_way_out(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    line = ["run", "--aligner", "mine", "--output", str(tmp_path / "runs"), "--preset", "quick"]
    assert main(line) == 3
    last = capsys.readouterr().err.splitlines()[-1]
    assert last.startswith("error: aligner 'mine' needs no_such_package")
    assert "pip install it" in last


@pytest.mark.usefixtures("mine")
def test_commands_of_plugins_stand_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    assert "Say hello." in text
    assert "face-tools/run" in text
    assert main(["greet"]) == 0
    assert capsys.readouterr().out == "hello\n"


def test_check_runs_the_conformance_checks(capsys: pytest.CaptureFixture[str]) -> None:
    found = answer(capsys, "plugins", "check", "inline")
    assert found["passed"] is True
    assert len(found["checks"]) > 5
    assert {check["result"] for check in found["checks"]} <= {"passed", "skipped"}


def test_check_fails_a_component_that_breaks_its_contract(
    distribute: Distribute, capsys: pytest.CaptureFixture[str]
) -> None:
    source = MINE.replace('requires=("no_such_package",), ', "") + (
        "\nclass Mine:\n    def __init__(self, config, context): pass\n"
        "    def align(self, images, faces): raise ValueError\n"
        "    def describe(self): return {}\n"
    )
    distribute("face-tools", {"mine": source})
    assert main(["plugins", "check", "mine", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["passed"] is False
    assert "failed" in {check["result"] for check in found["checks"]}


def test_check_takes_the_options_of_the_component(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = answer(capsys, "plugins", "check", "processes", "--executor.workers", "2")
    assert found["passed"] is True
    assert main(["plugins", "check", "inline", "--executor.workers", "2"]) == 2
    assert main(["plugins", "check", "disfa", "--help"]) == 0
    assert "--data.root" in capsys.readouterr().out
