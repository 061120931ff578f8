"""Synthesizes faces in batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.contracts.synthesizer import Synthesizer
from aukit.errors import PluginError

BATCH = 64


def paint(
    synthesizer: Synthesizer, faces: FaceBatch, targets: Labels, seeds: Sequence[int | None]
) -> Tensor:
    """What a synthesizer makes of some faces, held to its contract.

    Raises:
        PluginError: it returned images of another shape or type.
    """
    words = torch.tensor([seed or 0 for seed in seeds], dtype=torch.int64)
    images = synthesizer.synthesize(faces, targets, words)
    if images.shape != faces.images.shape or images.dtype != torch.uint8:
        raise PluginError(
            f"synthesize returned {images.dtype} {tuple(images.shape)}, "
            f"not uint8 {tuple(faces.images.shape)}"
        )
    return images.cpu()
