"""Help: fast, without anything heavy, and showing the options of what is chosen."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from ast import literal_eval

import pytest

from aukit.cli.main import COMMANDS, main

HEAVY = {
    "torch",
    "torchvision",
    "kornia",
    "numba",
    "numpy",
    "pyarrow",
    "scipy",
    "PIL",
    "av",
    "rich",
}

LINES = [
    ["--help"],
    ["--version"],
    *([name, "--help"] for name in COMMANDS),
    ["run", "--estimator", "vgg16", "--balancer=none", "--help"],
    ["compare", "--aligner", "2d,3d", "--synth", "none,lacgan", "--help"],
    ["align", "--landmarker", "mediapipe", "--help"],
    ["data", "info", "avatars", "--help"],
    ["data", "sample", "avatars", "--help"],
    ["data", "render", "avatars", "--help"],
    ["plugins", "list", "--help"],
    ["plugins", "show", "--help"],
    ["plugins", "check", "--help"],
    ["weights", "fetch", "--help"],
    ["weights", "path", "--help"],
]

PROBE = """
import json, sys
from aukit.cli.main import main
code = main(sys.argv[1:])
print(json.dumps([code, sorted(set(sys.modules))]))
"""


def test_help_lists_all_commands_and_loads_only_plugins_that_may_add_one() -> None:
    known = "from aukit.registry.loading import Registry\nprint(list(Registry().commands()))"
    command = [sys.executable, "-c", f"{PROBE}\n{known}", "--help"]
    lines = subprocess.check_output(command, text=True).splitlines()
    (_, modules), added = json.loads(lines[-2]), literal_eval(lines[-1])
    loaded = {name for name in modules if name.endswith(".plugin")}
    assert loaded == {"aukit_avatars.plugin", "aukit_prnet.plugin"}
    listed = {words[0] for line in lines if (words := line.split()) and line.startswith("  ")}
    assert listed >= {*COMMANDS, *(name for name in added if " " not in name)}


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_help_imports_nothing_heavy(line: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *line], capture_output=True, text=True, check=True
    )
    text, _, last = done.stdout.rstrip().rpartition("\n")
    code, modules = json.loads(last)
    assert code == 0, done.stderr
    assert text.startswith(("Usage: aukit", "aukit, version"))
    assert HEAVY & set(modules) == set()


def test_help_costs_little() -> None:
    """Processor time, since the wall clock of a busy machine tells nothing."""

    def seconds(*arguments: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # With compiled modules on disk, as everybody has them after the first call.
        known = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
        subprocess.run([sys.executable, *arguments], capture_output=True, check=True, env=known)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    bare = min(seconds("-c", "pass") for _ in range(3))
    best = min(seconds("-m", "aukit.cli.main", "--help") for _ in range(3))
    assert best - bare < 0.4


def test_every_command_is_listed_with_its_short_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for name, (_, summary) in COMMANDS.items():
        assert name in text
        assert summary in text


def test_the_options_of_the_chosen_components_are_shown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--estimator", "vgg16", "--help"]) == 0
    text = capsys.readouterr().out
    assert "Estimator vgg16 (aukit-facs):" in text
    assert "--estimator.networks per-au|shared" in text
    assert "--estimator.learning-rate NUMBER" in text
    assert "quick: 64" in text
    assert "--synth." not in text.replace("--synth.OPTION", "")


def test_help_of_an_unknown_component_is_an_error_with_a_near_miss(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["run", "--estimator", "vgg61", "--help"]) == 2
    assert "did you mean 'vgg16'" in capsys.readouterr().err


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "aukit.cli.main", "plugins", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1
