"""The example plugin: built as a wheel, installed as pip lays it out, used like our own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that has the plugin installed."""
    folder = tmp_path_factory.mktemp("wheel")
    # Built by the backend that its pyproject names, without a network: hatchling is a test extra.
    build = "import hatchling.build as b, sys; print(b.build_wheel(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", build, str(folder)],
        cwd=EXAMPLE, capture_output=True, text=True, check=True,
    )  # fmt: skip
    with zipfile.ZipFile(folder / done.stdout.split()[-1]) as wheel:
        wheel.extractall(folder / "site")
    paths = [str(folder / "site"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def aukit(environment: dict[str, str], *line: str) -> str:
    command = [sys.executable, "-m", "aukit.cli.main", *line]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_is_listed_with_its_distribution(installed: dict[str, str]) -> None:
    listed = json.loads(aukit(installed, "plugins", "aligner", "--json"))["components"]
    (eyes,) = [component for component in listed if component["name"] == "eyes"]
    assert (eyes["distribution"], eyes["version"], eyes["state"]) == ("aukit-eyes", "0.1.0", "ok")


def test_its_options_are_options_of_a_run(installed: dict[str, str]) -> None:
    assert "--aligner.distance NUMBER" in aukit(installed, "run", "--aligner", "eyes", "--help")
    line = ("run", "--aligner", "aukit-eyes/eyes", "--aligner.distance", "0.3", "--dry-run")
    config = json.loads(aukit(installed, *line, "--preset", "quick", "--json"))["config"]
    assert config["aligner"] == {"name": "aukit-eyes/eyes", "size": 224, "distance": 0.3}


def test_its_own_tests_pass(installed: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, f"--rootdir={tmp_path}", "-c", os.devnull, str(EXAMPLE / "tests")],
        env=installed, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_code_of_the_plugin_is_about_forty_lines() -> None:
    lines = [
        line
        for path in (EXAMPLE / "src").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip() and not line.lstrip().startswith(("#", '"""', "import", "from"))
    ]
    assert len(lines) < 60


def test_no_project_file_asks_for_somebody_elses_aukit() -> None:
    import tomllib

    root = EXAMPLE.parents[1]
    for path in [root / "pyproject.toml", *(root / "examples").rglob("pyproject.toml")]:
        project = tomllib.loads(path.read_text(encoding="utf-8"))["project"]
        names = [requirement.split("[")[0].split(">")[0] for requirement in project["dependencies"]]
        assert "aukit" not in names
        assert project["name"] != "aukit"
