"""What every component is given when it is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aukit.errors import MissingWeights


def no_weights(ref: str) -> Path:
    """A resolver that knows no weights; the default of a bare `Context`."""
    raise MissingWeights(f"weights '{ref}' were asked for, but no resolver was given")


@dataclass(frozen=True)
class Context:
    """Where and how a component works.

    Attributes:
        device: a torch device name, e.g. `cpu`, `cuda:0`.
        seed: the seed of the run; randomness is drawn per sample from it and the sample's id. In
            a run, datasets, landmarkers and aligners are given 0: runs that differ in their seed
            share the registered faces.
        weights: resolves a weights reference or a path to a checked local file.
    """

    device: str = "cpu"
    seed: int = 0
    weights: Callable[[str], Path] = no_weights
