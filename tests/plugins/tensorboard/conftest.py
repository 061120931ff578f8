"""A registry with the tiny components beside the built-in plugins."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aukit.registry.loading import Registry

sys.path.insert(0, str(Path(__file__).parents[2] / "end_to_end"))


@pytest.fixture
def tiny_registry() -> Registry:
    import tiny_plugin

    return tiny_plugin.registry()
