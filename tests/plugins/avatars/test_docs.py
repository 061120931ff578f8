"""The page about avatars says what the code does."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from aukit_avatars.head import Head
from aukit_avatars.plugin import AvatarsConfig, aukit_datasets
from aukit_avatars.scripts.benchmark import LEAST_RHO, MATCHES

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "explanation" / "avatars.md").read_text(encoding="utf-8")


def tables() -> ModuleType:
    path = ROOT / "plugins" / "aukit_avatars" / "scripts" / "tables.py"
    spec = importlib.util.spec_from_file_location("tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["muscles", "expressions", "base_rates"])
def test_tables_are_those_of_the_code(name: str) -> None:
    """If this fails, put the output of `scripts/tables.py` into the page."""
    assert getattr(tables(), name)() in PAGE


def test_sizes_are_those_of_the_presets() -> None:
    component = aukit_datasets()[0]
    for config in (AvatarsConfig(), AvatarsConfig(**component.preset("paper"))):
        people = config.train + config.valid + config.test
        count = people * config.tasks * config.frames
        assert f"{count:,} of {config.size} x {config.size}" in PAGE
        assert f"{config.train}, {config.valid}, {config.test}" in PAGE


def test_numbers_of_the_head() -> None:
    head = Head.load()
    page = " ".join(PAGE.split())
    assert f"{len(head.vertices):,} vertices" in page
    axes = [n for n in head.identity_names if n.endswith("+")]
    asymmetries = [name for name in axes if name.startswith("asymmetry-")]
    assert f"{len(axes) - len(asymmetries)} local axes" in page
    assert f"{len(asymmetries)} asymmetries" in page


def test_the_table_of_the_judge_has_every_au_and_keeps_every_promise() -> None:
    section = PAGE.partition("## Evaluation by an independent judge")[2]
    rows = {line[2:6]: line for line in section.splitlines() if line.startswith("| AU")}
    assert set(MATCHES) <= set(rows)
    for au, least in LEAST_RHO.items():
        cells = [cell.strip() for cell in rows[au].split("|")]
        promised, *both_versions = map(float, cells[3:6])
        assert promised == least
        assert min(both_versions) >= least
