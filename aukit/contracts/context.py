"""The context that every component is built with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aukit.errors import MissingWeights


def no_weights(ref: str) -> Path:
    """A resolver without weights; the default of `Context`. Raises `MissingWeights`."""
    raise MissingWeights(f"weights '{ref}' are needed, but no resolver was given")


@dataclass(frozen=True)
class Context:
    """Device, seed and weights of a component.

    Attributes:
        device: a torch device name, e.g. `cpu`, `cuda:0`.
        seed: seed of the run; per-sample randomness derives from it and the sample's id. In a run,
            datasets, landmarkers and aligners get 0, so that runs with different seeds share the
            registered faces.
        weights: resolves a weights reference or a path to a verified local file.
    """

    device: str = "cpu"
    seed: int = 0
    weights: Callable[[str], Path] = no_weights
