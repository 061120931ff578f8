"""What a run says of the process that made it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import aukit
from aukit.runs.environment import typed_command

PACKAGE = Path(aukit.__file__).parent


@pytest.mark.parametrize(
    ("program", "shown"),
    [
        ("/opt/env/bin/aukit", "aukit"),
        (str(PACKAGE / "__main__.py"), "aukit"),
        (str(PACKAGE / "cli" / "main.py"), "aukit"),
        ("scripts/study.py", "study.py"),
    ],
)
def test_a_command_is_shown_as_one_types_it(
    program: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [program, "run", "-o", "my runs"])
    assert typed_command() == f"{shown} run -o 'my runs'"
