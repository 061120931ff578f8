"""A registry with the tiny components beside the built-in plugins."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

from aukit.registry import Plugin, Registry

TINY = Path(__file__).parents[2] / "end_to_end" / "tiny_plugin.py"


@pytest.fixture
def tiny_registry() -> Registry:
    spec = importlib.util.spec_from_file_location("tiny_of_tensorboard", TINY)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    registry, plugin = Registry(), Plugin("tiny-faces", "0.1", "tiny")
    registry.plugins.append(plugin)
    registry.register(plugin, module)
    return registry
