"""aukit from Python: whole runs, single components, or the models a run has fitted.

from aukit import api

outcome = api.run({"estimator": "vgg16", "seed": 1}, output="runs")
table = api.predict(outcome.folder, ["me.jpg", "interview.mp4"])
aligner = api.build("aligner", "2d", size=128)
"""

from __future__ import annotations

from aukit.python.components import build, choose, load
from aukit.python.pictures import Registered, edit, predict, register
from aukit.python.runs import compare, faces, run
from aukit.python.tables import evaluate

__all__ = [
    "Registered",
    "build",
    "choose",
    "compare",
    "edit",
    "evaluate",
    "faces",
    "load",
    "predict",
    "register",
    "run",
]
