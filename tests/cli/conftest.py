"""The tiny components as an installed distribution."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aukit.registry.loading import default_registry

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_plugin.py"


@pytest.fixture
def tiny(distribute: Callable[..., Path]) -> Iterator[None]:
    """Distribution `tiny-faces`: dataset `drawn`, aligner `centre` and others."""
    source = TINY.read_text(encoding="utf-8")
    # A module name of its own: other tests import the file itself.
    distribute("tiny-faces", {"tiny_distribution": source}, version="0.1")
    default_registry.cache_clear()
    yield
    default_registry.cache_clear()


@pytest.fixture(scope="session")
def painted_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished run with the tiny synthesizer `tint`, on AU01 and AU12."""
    from aukit.config.resolve import nest, resolve
    from aukit.pipeline.execute import execute

    sys.path.insert(0, str(TINY.parent))
    import tiny_plugin

    registry = tiny_plugin.registry()
    settings = {
        "preset": "quick", "device": "cpu", "data": "drawn", "landmarker": "everywhere",
        "aligner": "centre", "synth": "tint", "synth.steps": 40, "balancer.per_level": 3,
        "estimator": "vgg16", "estimator.size": 32, "estimator.width": 0.125, "estimator.epochs": 1,
        "estimator.ticks": 1, "data.people": 2, "data.frames": 24, "draws": 50,
        "executor": "inline",
    }  # fmt: skip
    config = resolve(registry, [("test", nest(settings))])
    return execute(config, tmp_path_factory.mktemp("runs"), registry).folder
