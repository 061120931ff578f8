"""Hooks: documented as they are, and observers told with any subset of arguments."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from aukit import hooks
from aukit.components import KINDS
from aukit.hooks import hookimpl
from aukit.registry.loading import Plugin, Registry

SPECS = {
    name: value for name, value in vars(hooks).items() if hasattr(value, f"{hooks.PROJECT}_spec")
}
PAGE = Path(__file__).parents[2] / "docs" / "reference" / "hooks.md"


def signature(name: str) -> str:
    """`aukit_scalars(run: Run, stage: str, ...) -> None` as the source has it."""
    return f"{name}{inspect.signature(SPECS[name])}".replace("'", "")


def test_every_kind_has_a_collecting_hook() -> None:
    collecting = {name for name, spec in SPECS.items() if not inspect.signature(spec).parameters}
    assert {kind.hook for kind in KINDS.values()} <= collecting


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_hook_is_documented_with_its_exact_signature(name: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert f"`{signature(name)}`" in page


def test_the_page_documents_no_hook_that_is_not_there() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert set(re.findall(r"^### `(aukit_\w+)`", page, re.MULTILINE)) == set(SPECS)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_hook_says_what_it_is_for(name: str) -> None:
    assert inspect.getdoc(SPECS[name])


class Observer:
    """Implements hooks with fewer arguments than they have."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    @hookimpl
    def aukit_stage_started(self, stage: str) -> None:
        self.seen.append(stage)

    @hookimpl
    def aukit_run_finished(self) -> None:
        self.seen.append("end")


def test_observers_take_the_arguments_that_they_want() -> None:
    registry = Registry(entry_points=())
    observer = Observer()
    registry.register(Plugin("mine", "1", "observer"), observer)
    registry.manager.hook.aukit_stage_started(run=None, stage="align")
    registry.manager.hook.aukit_scalars(run=None, stage="fit", step=1, values={})
    registry.manager.hook.aukit_run_finished(run=None, outcome={})
    assert observer.seen == ["align", "end"]
