"""The tests of `tests/devices`, in a process of their own.

torch asks how many devices there are when it first computes a gradient, and never again: the device
that pretends must be known before.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

DEVICES = Path(__file__).parents[1] / "devices"


def test_every_component_works_on_a_device_that_pretends() -> None:
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(DEVICES)]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
