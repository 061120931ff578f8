"""Limits between levels: as frequent as the truth, ordered, and sane where nothing is known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aukit.contracts.labels import Labels
from aukit.estimation.calibration import NEAREST, fit_limits, levels_above


def labels_of(values: torch.Tensor, mask: torch.Tensor | None = None) -> Labels:
    coded = torch.ones(values.shape, dtype=torch.bool) if mask is None else mask
    return Labels(tuple(f"AU{c:02d}" for c in range(values.shape[1])), values * coded, coded)


def test_levels_are_as_frequent_as_they_are_in_truth() -> None:
    generator = torch.Generator().manual_seed(0)
    truth = torch.multinomial(torch.tensor([60.0, 18, 10, 6, 4, 2]), 500, True, generator=generator)
    # An estimator that stays far below the truth and squeezes it.
    seen = (truth * 0.2 + torch.rand(500, generator=generator)).clamp(0, 5)[:, None]
    limits = fit_limits(seen, labels_of(truth[:, None].float()))
    found = levels_above(seen, limits)[:, 0]
    assert torch.equal(found.bincount(minlength=6), truth.bincount(minlength=6))
    assert not torch.equal(seen.round()[:, 0].long().bincount(minlength=6), found.bincount())


def test_limits_are_numpys_quantiles() -> None:
    generator = torch.Generator().manual_seed(1)
    seen = torch.rand(101, 1, generator=generator) * 5
    truth = torch.randint(0, 6, (101, 1), generator=generator).float()
    limits = fit_limits(seen, labels_of(truth))[0]
    for level, limit in enumerate(limits.tolist(), start=1):
        above = int((truth >= level).sum())
        # The middle between the two neighbours of the place where as many lie above.
        share = (101 - above - 0.5) / 100
        assert limit == pytest.approx(np.quantile(seen.numpy(), share), abs=1e-5)


def test_what_nobody_shows_keeps_the_nearest_level() -> None:
    values, mask = torch.tensor([[0.0, 0], [0, 0], [1, 0]]), torch.tensor([[True, False]] * 3)
    limits = fit_limits(torch.tensor([[0.2, 1], [0.4, 2], [0.8, 3]]), labels_of(values, mask))
    assert limits[0].tolist() == pytest.approx([0.6, *NEAREST[1:]])
    assert limits[1].tolist() == pytest.approx(NEAREST)


@settings(max_examples=30, deadline=None)
@given(
    hnp.arrays("float32", (20, 2), elements=st.floats(0, 5, width=32)),
    hnp.arrays("int8", (20, 2), elements=st.integers(0, 5)),
    hnp.arrays("bool", (20, 2)),
)
def test_limits_are_ordered_and_levels_in_range(seen: object, truth: object, mask: object) -> None:
    intensity, coded = torch.as_tensor(seen), torch.as_tensor(mask)
    limits = fit_limits(intensity, labels_of(torch.as_tensor(truth).float(), coded))
    assert limits.shape == (2, 5)
    assert bool(limits.isfinite().all())
    assert bool((limits[:, 1:] >= limits[:, :-1]).all())
    levels = levels_above(intensity, limits)
    assert 0 <= int(levels.min()) <= int(levels.max()) <= 5
    order = intensity.argsort(0)
    assert bool((levels.gather(0, order).diff(dim=0) >= 0).all())


def test_masked_codes_have_no_say() -> None:
    seen, truth = torch.rand(30, 1) * 5, torch.randint(0, 6, (30, 1)).float()
    mask = torch.rand(30, 1) < 0.7
    hidden = Labels(("AU00",), torch.where(mask, truth, 5.0), mask)
    assert torch.equal(fit_limits(seen, labels_of(truth, mask)), fit_limits(seen, hidden))
