"""What is shipped: typed packages without development scripts, and sources that test themselves."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path, PurePosixPath

import pytest

import aukit

ROOT = Path(__file__).parents[2]
PACKAGES = ["aukit", *sorted(path.name for path in (ROOT / "plugins").glob("aukit_*"))]


def build(kind: str, folder: Path) -> Path:
    code = f"import hatchling.build as b, sys; print(b.build_{kind}(sys.argv[1]))"
    line = [sys.executable, "-c", code, str(folder)]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True)
    return folder / done.stdout.split()[-1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with zipfile.ZipFile(build("wheel", tmp_path_factory.mktemp("wheel"))) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    with tarfile.open(build("sdist", tmp_path_factory.mktemp("sdist"))) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_shipped_with_its_types(wheel: set[str], package: str) -> None:
    assert {f"{package}/__init__.py", f"{package}/py.typed"} <= wheel


def test_development_scripts_stay_out_of_the_wheel(wheel: set[str], sources: set[str]) -> None:
    assert [name for name in wheel if "scripts" in PurePosixPath(name).parts[:-1]] == []
    assert any(name.startswith("plugins/aukit_avatars/scripts/") for name in sources)


def test_the_sources_hold_what_their_tests_read(sources: set[str]) -> None:
    wanted = {"CONTRIBUTING.md", "CHANGELOG.md", "CITATION.cff", "README.md", "LICENSE", "NOTICE"}
    assert wanted | {".ci/run", "docs/index.md", "pyproject.toml"} <= sources
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    assert here <= sources


def test_every_pythons_classifier_is_one_that_it_runs_on() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = [text.rpartition(":: ")[2] for text in project["classifiers"] if ":: 3." in text]
    assert named == ["3.11", "3.12", "3.13"]
    assert project["requires-python"] == ">=3.11"


def test_the_version_is_the_same_everywhere() -> None:
    version = aukit.__version__
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## [{version}] - 20" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
