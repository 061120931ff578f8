"""Checks of metrics."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from aukit.testing.subject import Check, Subject, require

FRAMES, AUS = 60, 3


def check_value_names_and_shapes(subject: Subject) -> None:
    """Terms are (N, A, M) float64; `value` gives each promised score, for any leading shape."""
    metric = subject.make()
    terms = metric.terms(*_frames())
    require(terms.ndim == 3 and terms.shape[:2] == (FRAMES, AUS), f"terms are {terms.shape}")
    require(terms.dtype == torch.float64, f"terms are {terms.dtype}, not float64")
    for shape in ((), (2,), (2, 4)):
        scores = metric.value(terms.sum(0).expand(*shape, AUS, terms.shape[-1]))
        require(tuple(scores) == tuple(metric.names), f"scores {list(scores)} are not `names`")
        for name, score in scores.items():
            require(score.shape == (*shape, AUS), f"{name} of {shape} sums is {score.shape}")


def check_frames_can_stream_in_any_order(subject: Subject) -> None:
    """Scores of summed parts, and of shuffled frames, are those of all frames at once."""
    metric = subject.make()
    truth, predicted, mask = _frames()
    whole = metric.value(metric.terms(truth, predicted, mask).sum(0))
    order = torch.randperm(FRAMES, generator=torch.Generator().manual_seed(0))
    parts = [
        metric.terms(truth[rows], predicted[rows], mask[rows]).sum(0)
        for rows in torch.split(order, 7)
    ]
    _require_equal(whole, metric.value(torch.stack(parts).sum(0)), "streamed, shuffled frames")


def check_masked_entries_are_ignored(subject: Subject) -> None:
    """What stands under a mask, even NaN, changes nothing."""
    metric = subject.make()
    truth, predicted, mask = _frames()
    plain = metric.value(metric.terms(truth, predicted, mask).sum(0))
    for filler in (0.0, 5.0, torch.nan):
        hidden = [torch.where(mask, side, filler) for side in (truth, predicted)]
        scores = metric.value(metric.terms(*hidden, mask).sum(0))
        _require_equal(plain, scores, f"{filler} under the mask")


def check_nothing_is_undefined(subject: Subject) -> None:
    """Without any frame every score is NaN, never 0."""
    metric = subject.make()
    truth, predicted, mask = _frames()
    scores = metric.value(metric.terms(truth, predicted, torch.zeros_like(mask)).sum(0))
    for name, score in scores.items():
        require(score.isnan().all(), f"{name} of no frames is {score[0]:g}, not NaN")


def check_perfect_predictions_score_best(subject: Subject) -> None:
    """No other prediction beats the truth itself, and a poor one is worse."""
    metric = subject.make()
    truth, noisy, _ = _frames()
    mask = torch.ones_like(truth, dtype=torch.bool)
    perfect, near, opposite = (
        metric.value(metric.terms(truth, guess, mask).sum(0)) for guess in (truth, noisy, 5 - truth)
    )
    for name in metric.names:
        gains = torch.stack([perfect[name] - other[name] for other in (near, opposite)])
        better = (gains >= -1e-9).all() or (gains <= 1e-9).all()
        require(better, f"{name}: the truth itself scores between other predictions")
        require(gains[1].abs().min() > 1e-6, f"{name} does not tell the truth from its opposite")


def _frames() -> tuple[Tensor, Tensor, Tensor]:
    random = torch.Generator().manual_seed(5)
    truth = torch.randint(0, 6, (FRAMES, AUS), generator=random).double()
    noise = torch.randn((FRAMES, AUS), generator=random, dtype=torch.float64)
    mask = torch.rand((FRAMES, AUS), generator=random) < 0.8
    return truth, (truth + noise).clamp(0, 5), mask


def _require_equal(first: Mapping[str, Tensor], second: Mapping[str, Tensor], what: str) -> None:
    for name, score in first.items():
        same = torch.allclose(score, second[name], atol=1e-9, equal_nan=True)
        require(same, f"{name} changes with {what}: {score.tolist()} to {second[name].tolist()}")


CHECKS: tuple[Check, ...] = (
    check_value_names_and_shapes,
    check_frames_can_stream_in_any_order,
    check_masked_entries_are_ignored,
    check_nothing_is_undefined,
    check_perfect_predictions_score_best,
)
