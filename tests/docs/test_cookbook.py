"""Every recipe of the cookbook keeps its contract."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from aukit.cli.new_plugin import write_plugin
from aukit.registry.checks import call, commands_of
from aukit.testing import Subject, run_checks
from aukit.testing.plugins import check_plugin

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "cookbook.md"
RECIPES = re.findall(r"```python\n# kind: (\w+)\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)


def test_there_are_ten() -> None:
    assert len(RECIPES) == 10


@pytest.mark.parametrize("number", range(len(RECIPES)))
def test_a_recipe_keeps_its_contract(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind, source = RECIPES[number]
    package = f"aukit_recipe{number}"
    if kind == "plugin":
        (tmp_path / f"{package}.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        module = importlib.import_module(package)
        outcomes = list(check_plugin(module, commands_of(call(module, "aukit_commands"))))
        assert [outcome.result for outcome in outcomes] == ["passed"], outcomes
        return
    folder = write_plugin(kind, f"recipe{number}", tmp_path)
    (folder / "src" / package / "method.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder / "src"))
    plugin = importlib.import_module(f"{package}.plugin")
    (component,) = getattr(plugin, f"aukit_{kind}s")()
    failed = [one for one in run_checks(Subject(component)) if one.result == "failed"]
    assert failed == []
