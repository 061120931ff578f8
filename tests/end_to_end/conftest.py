"""A registry with the built-ins and the tiny components."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aukit.registry.loading import Registry

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # workers import the tiny components by name


@pytest.fixture
def registry() -> Registry:
    """A fresh one for each test."""
    import tiny_plugin

    return tiny_plugin.registry()


@pytest.fixture(scope="module")
def module_registry() -> Registry:
    """One for what several tests look at."""
    import tiny_plugin

    return tiny_plugin.registry()
