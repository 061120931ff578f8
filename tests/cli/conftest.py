"""The tiny components as an installed distribution."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_plugin.py"


@pytest.fixture
def tiny(distribute: Callable[..., Path]) -> None:
    """Distribution `tiny-faces`: dataset `drawn`, aligner `centre` and others."""
    source = TINY.read_text(encoding="utf-8")
    # A module name of its own: other tests import the file itself.
    distribute("tiny-faces", {"tiny_distribution": source}, version="0.1")
