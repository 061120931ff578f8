"""A registry with the built-ins and the tiny components."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from aukit.registry import Plugin, Registry

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # workers import the tiny components by name


def _registry() -> Registry:
    import tiny_plugin

    found = Registry()
    plugin = Plugin("tiny-faces", "0.1", "tiny")
    found.plugins.append(plugin)
    found.register(plugin, tiny_plugin)
    return found


@pytest.fixture
def registry() -> Registry:
    """A fresh one for each test."""
    return _registry()


@pytest.fixture(scope="module")
def module_registry() -> Registry:
    """One for what several tests look at."""
    return _registry()
