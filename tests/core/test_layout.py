"""The rooms of the core have walls: who may import whom, read off the syntax trees."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST = 300
"""Most lines of a file of the core."""

NEVER = [
    ("aukit.contracts", ("aukit.config", "aukit.training", "aukit.faces", "aukit.pipeline")),
    ("aukit.registry", ("aukit.config", "aukit.runs")),
    ("aukit.config.values", ("aukit.config.resolve", "aukit.registry")),
    ("aukit.report", ("aukit.runs", "aukit.pipeline", "aukit.comparison", "aukit.score_card")),
    ("aukit.score_card", ("aukit.pipeline",)),
    ("aukit.media", ("aukit.pipeline",)),
    ("aukit.runs", ("aukit.pipeline",)),
    ("aukit.pipeline.stages", ("aukit.pipeline.execute", "aukit.pipeline.runner")),
    ("plugins", ("aukit.pipeline", "aukit.cli.main")),
]
"""Who must never import whom."""


def modules(folder: str) -> dict[str, Path]:
    base = ROOT / folder
    found = {}
    for path in sorted(base.rglob("*.py")):
        parts = path.relative_to(base if folder == "plugins" else ROOT).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imported(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever it does so."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


CORE, PLUGINS = modules("aukit"), modules("plugins")


def room(module: str) -> str:
    return ".".join(module.split(".")[:2])


def within(module: str, place: str) -> bool:
    return module == place or module.startswith(f"{place}.")


def test_no_circle_runs_through_the_rooms_of_the_core() -> None:
    arrows: dict[str, set[str]] = defaultdict(set)
    for module, path in CORE.items():
        targets = {room(name) for name in imported(path) if within(name, "aukit")}
        arrows[room(module)] |= targets - {room(module), "aukit"}
    TopologicalSorter(arrows).prepare()  # CycleError names the rooms of a circle


@pytest.mark.parametrize(("who", "whom"), NEVER, ids=[who for who, _ in NEVER])
def test_what_must_never_be_imported(who: str, whom: tuple[str, ...]) -> None:
    everyone = {**CORE, **{f"plugins.{name}": path for name, path in PLUGINS.items()}}
    broken = [
        f"{module} imports {name}"
        for module, path in everyone.items()
        if within(module, who) and "scripts" not in path.parts
        for name in imported(path)
        if any(within(name, place) for place in whom)
    ]
    assert not broken


def test_the_core_knows_no_plugin_and_nobody_imports_the_command_line() -> None:
    plugins = {name.partition(".")[0] for name in PLUGINS}
    for module, path in CORE.items():
        names = {name.partition(".")[0] for name in imported(path)}
        assert not names & plugins, module
        if not within(module, "aukit.cli") and module != "aukit.__main__":
            assert not any(within(name, "aukit.cli") for name in imported(path)), module


def test_no_plugin_imports_another() -> None:
    plugins = {name.partition(".")[0] for name in PLUGINS}
    for module, path in PLUGINS.items():
        if "scripts" not in path.parts:
            own = module.partition(".")[0]
            others = {name.partition(".")[0] for name in imported(path)} & plugins - {own}
            assert not others, f"{module} imports {others}"


def test_no_file_of_the_core_is_long() -> None:
    lines = {
        name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in CORE.items()
    }
    assert not {name: count for name, count in lines.items() if count > LONGEST}
