"""How well a number ranks frames that show an AU above those that do not: the area under the ROC.

Like the other scores it is computed from sums over frames, so that a million frames stream and a
bootstrap over people only adds up: each frame counts in one cell of a histogram of its score.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CELLS = 101
"""Scores are taken to the nearest hundredth."""

TERMS = 2 * CELLS
"""Summands a frame: its cell among the frames without the AU, then among those with it."""


def ranking_terms(present: Tensor, score: Tensor, mask: Tensor) -> Tensor:
    """Summands of each frame.

    Args:
        present: (...) bool, the frame shows the AU.
        score: (...) in 0..1, larger where it is more likely shown.
        mask: (...) bool; masked entries contribute zeros.

    Returns:
        (..., `TERMS`) float64.
    """
    cell = (score.nan_to_num(0).clamp(0, 1) * (CELLS - 1)).round().long()
    place = cell + CELLS * present.long()
    return functional.one_hot(place, TERMS).to(torch.float64) * mask[..., None]


def auc(sums: Tensor) -> Tensor:
    """Area under the ROC curve: the chance that a frame with the AU gets the higher score.

    The Mann-Whitney statistic, in which ties count half (Fawcett 2006, section 8).

    Args:
        sums: (..., `TERMS`) summed `ranking_terms`.

    Returns:
        (...) float64 in 0..1; NaN where the AU is present in every frame or in none.
    """
    absent, present = torch.split(sums, CELLS, dim=-1)
    below = absent.cumsum(-1) - absent / 2
    pairs = absent.sum(-1) * present.sum(-1)
    area: Tensor = (present * below).sum(-1) / torch.where(pairs > 0, pairs, torch.nan)
    return area
