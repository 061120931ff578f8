"""LiteRT's interpreters: silent, and nobody else's words are lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import os, sys
from pathlib import Path
from aukit_mediapipe import bundle, litert

models = bundle.read(Path(sys.argv[1]))
with litert._without_noise():
    os.write(2, b"somebody else\\n")
litert.Model(models[bundle.DETECTOR])._make()
os.write(2, b"afterwards\\n")
"""


def test_the_greeting_is_gone_and_other_lines_stay(face_landmarker: Path) -> None:
    line = [sys.executable, "-c", PROGRAM, os.fspath(face_landmarker)]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    assert done.stderr == "somebody else\nafterwards\n"
