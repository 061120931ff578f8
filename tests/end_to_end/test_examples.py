"""The examples run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_embedding_in_another_program(tmp_path: Path) -> None:
    call = [sys.executable, str(EXAMPLES / "embed.py"), str(tmp_path)]
    done = subprocess.run(call, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "registered (8, 3, 64, 64), dropped 0" in done.stdout
    assert "estimated ('AU06', 'AU12')" in done.stdout
    assert "painted (8, 3, 64, 64) with AU12 = 4" in done.stdout
    assert list(tmp_path.glob("0001-*/report.html"))
