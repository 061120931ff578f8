"""The site is built without a warning, and the notebooks run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_the_site_builds_strictly_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocstrings")
    pytest.importorskip("material")
    line = [sys.executable, "-m", "mkdocs", "build", "--strict", "-q", "-d", str(tmp_path / "site")]
    done = subprocess.run(line, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    pages = list((tmp_path / "site").rglob("*.html"))
    loaded = {
        source
        for page in pages
        for source in re.findall(
            r"<(?:script|img)[^>]* src=\"(https?://[^\"]+)", page.read_text(encoding="utf-8")
        )
    }
    assert loaded == set()
    text = (tmp_path / "site" / "reference" / "contracts" / "index.html").read_text("utf-8")
    for name in ("Landmarker", "Aligner", "Synthesizer", "Balancer", "Estimator", "Executor"):
        assert f".{name}" in text


def cells(path: Path) -> list[str]:
    """The code of a notebook, cell by cell."""
    found = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in found if cell["cell_type"] == "code"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=[path.stem for path in NOTEBOOKS])
def test_notebooks_run(path: Path, tmp_path: Path) -> None:
    """Their cells in order, as one program: nothing in them needs a notebook's own commands."""
    program = tmp_path / "notebook.py"
    program.write_text("\n\n".join(cells(path)), encoding="utf-8")
    line = [sys.executable, str(program)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(line, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(path.read_text(encoding="utf-8"))["nbformat"] == 4
