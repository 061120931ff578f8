"""The documentation is true: commands can be typed, code parses, links lead somewhere."""

from __future__ import annotations

import ast
import importlib.util
import re
import shlex
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

import aukit
from aukit import errors
from aukit.cli.main import main
from aukit.components import KINDS
from aukit.config.options import RunOptions
from aukit.config.resolve import nest, resolve
from aukit.config.run import ROLES
from aukit.data import records
from aukit.media.frames import frame_schema
from aukit.registry.loading import BLOCK_VARIABLE, ONLY_VARIABLE, Registry
from aukit.registry.weights import VARIABLE
from aukit_tensorboard.plugin import VARIABLE as TENSORBOARD

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

RUN_COMMAND = (
    "python3 -m venv .venv && .venv/bin/pip install . "
    "&& .venv/bin/aukit run --aligner 3d --synth lacgan"
)
TEST_COMMAND = (
    "python3 -m venv .venv && .venv/bin/pip install -e '.[test]' "
    "&& .venv/bin/pytest -n 2 --dist loadfile"
)


def blocks(page: Path) -> list[tuple[str, str]]:
    """(language, content) of the code blocks of a page."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def command_lines() -> list[str]:
    """What the pages tell people to type after `aukit`, but for files and plugins of their own."""
    lines = [
        line.strip().removeprefix("aukit ")
        for page in PAGES
        for language, content in blocks(page)
        if not language
        for line in content.splitlines()
        if line.strip().startswith("aukit ")
    ]
    return [line for line in dict.fromkeys(lines) if "--config" not in line and "mine" not in line]


def reference() -> ModuleType:
    path = DOCS / "build_reference.py"
    spec = importlib.util.spec_from_file_location("build_reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["cli.md", "components.md"])
def test_generated_pages_are_what_the_program_says(name: str) -> None:
    """If this fails, run `python docs/build_reference.py`."""
    written = (DOCS / "reference" / name).read_text(encoding="utf-8")
    assert reference().PAGES[name]() == written


def test_there_are_commands_to_check() -> None:
    assert len(command_lines()) > 10


@pytest.mark.parametrize("line", command_lines())
def test_every_command_can_be_typed(
    line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = [str(tmp_path / word) if word.endswith(".log") else word for word in shlex.split(line)]
    grids = words[0] in ("run", "compare") and "--help" not in words
    dry = ["--dry-run", "--preset", "quick"] if grids else []
    code, error = main([*words, *(dry or ["--help"])]), capsys.readouterr().err
    # What a page fetches before is not on every machine; a dry run says so and how to get it.
    assert code == 0 or (code == 4 and "aukit weights fetch" in error), error


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_in_pages_parses(page: Path) -> None:
    for language, content in blocks(page):
        if language == "python":
            ast.parse(content)
        elif language == "toml":
            tomllib.loads(content)


def test_every_page_can_be_reached_from_the_index() -> None:
    linked = re.findall(r"\]\(([^)]+\.md)\)", (DOCS / "index.md").read_text(encoding="utf-8"))
    pages = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - {"index.md"}
    assert set(linked) == pages


def test_the_run_file_of_the_reference_is_the_command_beside_it() -> None:
    found = blocks(DOCS / "reference" / "configuration.md")
    (toml,) = [content for language, content in found if language == "toml"]
    (command,) = [content for language, content in found if language == ""]
    words = shlex.split(command)[2:]
    names = [word.removeprefix("--") for word in words[::2]]
    typed = nest(dict(zip(names, words[1::2], strict=True)))
    registry = Registry()
    from_file = resolve(registry, [("file", tomllib.loads(toml))])
    from_command = resolve(registry, [("command", typed)])
    assert from_file.to_json() == from_command.to_json()


def test_the_readme_has_the_two_commands_and_ci_runs_the_second() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"\n{RUN_COMMAND}\n" in readme
    assert f"\n{TEST_COMMAND}\n" in readme
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert TEST_COMMAND in ci


def test_the_schema_page_names_every_column() -> None:
    page = (DOCS / "reference" / "schema.md").read_text(encoding="utf-8")
    schemas = [
        make(("AU01",))
        for make in (
            records.index_schema,
            records.face_schema,
            records.plan_schema,
            records.prediction_schema,
            frame_schema,
        )
    ]
    names = {name for schema in schemas for name in schema.names}
    assert {name for name in names if f"`{name}`" not in page} == set()
    assert f"(`aukit.schema`, {records.SCHEMA_VERSION})" in page


def test_the_errors_page_has_every_class_with_its_code() -> None:
    page = (DOCS / "reference" / "errors.md").read_text(encoding="utf-8")
    for cls in vars(errors).values():
        if isinstance(cls, type) and issubclass(cls, errors.AukitError):
            (row,) = [line for line in page.splitlines() if f"`{cls.__name__}`" in line] or [""]
            assert cls is errors.AukitError or row.startswith(f"| {cls.exit_code} |"), cls


def test_the_configuration_page_names_every_setting() -> None:
    page = (DOCS / "reference" / "configuration.md").read_text(encoding="utf-8")
    names = [*RunOptions.__dataclass_fields__, *KINDS, *ROLES]
    names += [BLOCK_VARIABLE, ONLY_VARIABLE, VARIABLE, TENSORBOARD]
    assert [name for name in names if f"`{name}`" not in page] == []


def test_the_citation_names_both_papers_and_this_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert "Synthetic Expressions are Better Than Real" in citation
    assert "Region Based Adversarial Synthesis of Facial Action Units" in citation
    assert f"\nversion: {aukit.__version__}\n" in citation
