"""The area under the ROC curve from summed histograms, against scikit-learn's from frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from aukit.statistics.ranking import TERMS, auc, ranking_terms


@pytest.mark.parametrize("seed", range(4))
def test_the_area_is_that_of_the_frames(seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    present = torch.rand(300, 2, generator=random) < 0.3
    score = (torch.rand(300, 2, generator=random) + 0.3 * present).clamp(0, 1)
    mask = torch.rand(300, 2, generator=random) < 0.8
    parts = [ranking_terms(p, s, m) for p, s, m in zip(present, score, mask, strict=True)]
    found = auc(torch.stack(parts).sum(0))
    for column in range(2):
        used = mask[:, column]
        rounded = np.round(score[used, column].numpy() * 100)
        expected = roc_auc_score(present[used, column], rounded)
        assert float(found[column]) == pytest.approx(expected, abs=1e-3)


def test_ties_count_half_and_one_class_is_undefined() -> None:
    present = torch.tensor([True, False, True, False])
    same = ranking_terms(present, torch.full((4,), 0.7), torch.ones(4, dtype=torch.bool))
    assert same.shape == (4, TERMS)
    assert float(auc(same.sum(0))) == 0.5
    assert auc(same[::2].sum(0)).isnan()
    assert auc(torch.zeros(TERMS).double()).isnan()
