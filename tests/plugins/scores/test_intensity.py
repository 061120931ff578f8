"""The metric `intensity`."""

from __future__ import annotations

import pytest
import torch

from aukit.config import choice as config
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.errors import ConfigError
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig, aukit_metrics
from aukit_scores.presence import Presence


def metric(threshold: float = 2.0) -> Intensity:
    return Intensity(IntensityConfig(threshold), Context())


def test_scores_by_hand() -> None:
    truth = torch.tensor([[0.0], [2.0], [4.0]], dtype=torch.float64)
    predicted = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)
    mask = torch.ones_like(truth, dtype=torch.bool)
    scores = metric().value(metric().terms(truth, predicted, mask).sum(0))
    assert tuple(scores) == metric().names
    # var x = 8/3, var y = 2/3, cov = 4/3
    assert float(scores["icc"]) == pytest.approx(2 * (4 / 3) / (8 / 3 + 2 / 3))
    assert float(scores["pcc"]) == pytest.approx(1)
    assert float(scores["mae"]) == pytest.approx(2 / 3)
    assert float(scores["mse"]) == pytest.approx(2 / 3)
    assert float(scores["f1"]) == 1
    assert float(scores["f1_norm"]) == 1
    assert float(scores["accuracy"]) == 1


def test_the_threshold_changes_detection_only() -> None:
    truth = torch.tensor([[0.0], [1.0], [4.0]])
    predicted = torch.tensor([[0.0], [0.0], [4.0]])
    mask = torch.ones_like(truth, dtype=torch.bool)
    terms = [metric(threshold).terms(truth, predicted, mask) for threshold in (1.0, 2.0)]
    low, high = (metric().value(part.sum(0)) for part in terms)
    assert float(low["f1"]) == pytest.approx(2 / 3)
    assert float(high["f1"]) == 1
    assert float(low["icc"]) == float(high["icc"])


@pytest.mark.parametrize("threshold", [0.0, -1.0, 5.1])
def test_impossible_thresholds_are_refused(threshold: float) -> None:
    component = aukit_metrics()[0]
    with pytest.raises(ConfigError, match="threshold"):
        config.build(component, [{"threshold": Value(threshold, "test")}])


def test_presence_scores_as_intensity_does() -> None:
    random = torch.Generator().manual_seed(0)
    truth = torch.randint(0, 6, (200, 3), generator=random)
    predicted = torch.rand((200, 3), generator=random) * 5
    mask = torch.rand((200, 3), generator=random) < 0.8
    both = metric(), Presence(IntensityConfig(2.0), Context())
    wide, narrow = (m.value(m.terms(truth, predicted, mask).sum(0)) for m in both)
    assert tuple(narrow) == Presence.names
    assert all(torch.equal(narrow[name], wide[name]) for name in narrow)
