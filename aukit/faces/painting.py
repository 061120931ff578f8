"""Synthesizes faces in batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import Synthesizer

BATCH = 64


def paint(
    synthesizer: Synthesizer, faces: FaceBatch, targets: Labels, seeds: Sequence[int | None]
) -> Tensor:
    """Synthesize faces; returns (B, 3, S, S) uint8 on the CPU."""
    words = torch.tensor([seed or 0 for seed in seeds], dtype=torch.int64)
    return synthesizer.synthesize(faces, targets, words).cpu()
