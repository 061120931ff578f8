"""The area under the ROC curve: how well a score ranks frames with an AU above those without.

Like the other scores it is computed from sums over frames, so that frames can be streamed and a
bootstrap over people only adds sums: each frame counts in one bin of a histogram of scores.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

CELLS = 101
"""Bins: scores are rounded to the nearest hundredth."""

TERMS = 2 * CELLS
"""Summands per frame: the histogram of frames without the AU, then of frames with it."""


def ranking_terms(present: Tensor, score: Tensor, mask: Tensor) -> Tensor:
    """Summands of each frame.

    Args:
        present: (...) bool, the frame shows the AU.
        score: (...) in 0..1, higher if more likely present.
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
