"""The Python in the pages passes `mypy --strict`, as a reader's own editor would check it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
MODULES = {"write_a_plugin_1": "my_package/plugin", "use_your_own_data_2": "my_corpus/plugin"}
"""Snippets that others import, by the name that the pages give them."""


def snippets() -> dict[str, str]:
    """Page and number -> Python."""
    return {
        f"{page.stem.lower().replace('-', '_')}_{number}": text
        for page in PAGES
        for number, text in enumerate(SNIPPET.findall(page.read_text(encoding="utf-8")), 1)
    }


@pytest.mark.slow
def test_every_snippet_passes_mypy_strict(tmp_path: Path) -> None:
    found = snippets()
    assert len(found) > 20
    assert set(MODULES) <= set(found)
    for name, text in found.items():
        path = tmp_path / f"{MODULES.get(name, name)}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    # From the root: what has been checked of aukit itself is found in the cache there.
    command = [sys.executable, "-m", "mypy", "--strict", *map(str, tmp_path.rglob("*.py"))]
    known = {**os.environ, "MYPYPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
