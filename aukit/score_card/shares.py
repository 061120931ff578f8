"""Share of the face covered by each AU's region, for synthesizers that edit regions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from aukit.contracts.synthesizer import HasRegions, Synthesizer
from aukit.faces.stored import StoredFaces
from aukit.score_card.requests import Requests
from aukit.statistics.pictures import face_region

FACES = 32
"""Most faces on which regions are measured."""

ALL = "all"
"""Key of the union of all regions."""


def shares(synthesizer: Synthesizer, faces: StoredFaces, requests: Requests) -> Tensor | None:
    """Shares of the face (F, A + 1, 2): pixels with any attention, and mean attention.

    The last AU row is the union: where any region is, and the sum of attentions up to 1.

    Returns:
        None if the synthesizer has no regions.
    """
    if not isinstance(synthesizer, HasRegions):
        return None
    batch = faces.batch(sorted(set(requests.rows.tolist()))[:FACES])
    attention = synthesizer.regions(batch).double()
    whole = attention.sum(1, keepdim=True).clamp_max(1)
    maps = torch.cat([attention, whole], 1)
    face = face_region(batch.landmarks, batch.images.shape[-1])[:, None].double()
    return torch.stack([_share((maps > 0).double(), face), _share(maps, face)], -1)


def _share(maps: Tensor, face: Tensor) -> Tensor:
    return (maps * face).sum((2, 3)) / face.sum((2, 3))


def regions(found: Tensor | None, aus: tuple[str, ...]) -> dict[str, Any] | None:
    """Mean shares as JSON values: AU or `all` -> `reach`, `attention`; None without regions."""
    if found is None:
        return None
    rows = zip((*aus, ALL), found.mean(0).tolist(), strict=True)
    return {name: {"reach": reach, "attention": attention} for name, (reach, attention) in rows}
