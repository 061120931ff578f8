"""A process that has imported what commands need, and starts each in a child: sooner than anew.

It reads one JSON object a line, `{"line": [...], "log": path}`, and answers with the child's number
and, when that has ended, with its exit code. Nothing is computed here: a child inherits no threads.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys

from aukit.cli.main import main

for name in (
    "torch", "pandas", "torchvision", "aukit.cli.console", "aukit.pipeline.execute",
    "aukit.media.align", "aukit.media.predict", "aukit.comparison.compare", "aukit.api",
):  # fmt: skip
    importlib.import_module(name)


def child(line: list[str], log: str) -> None:
    """Run a command in this process and end it."""
    for stream, path in ((0, os.devnull), (1, log), (2, log)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND), stream)
    os._exit(main(line))


for text in sys.stdin:
    asked = json.loads(text)
    if not (process := os.fork()):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        child(asked["line"], asked["log"])
    print(process, flush=True)  # noqa: T201
    _, status = os.waitpid(process, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)  # noqa: T201
