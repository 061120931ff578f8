"""What is drawn onto crops: it lies where the landmarks say, and moves nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from aukit.testing.drawn import neutral
from aukit_prnet import wear

SIDE = 64
POINTS = (neutral() * SIDE * 0.6 + SIDE * 0.2)[None].repeat(4, 1, 1)
GREY = torch.full((4, 3, SIDE, SIDE), 0.55)


def changed(draw: Callable[[Tensor, Tensor, Tensor], Tensor], seed: int = 0) -> Tensor:
    """(4, R, R) where something was drawn onto plain grey faces."""
    torch.manual_seed(seed)
    drawn = draw(GREY, POINTS, wear._grid(GREY))
    assert drawn.shape == GREY.shape
    assert 0 <= float(drawn.min()) <= float(drawn.max()) <= 1
    return (drawn - GREY).abs().amax(1) > 0.02


def centre(mask: Tensor) -> Tensor:
    return mask.nonzero().flip(1).float().mean(0)


def test_glasses_lie_on_the_eyes_and_a_beard_below_the_nose() -> None:
    eyes, nose = POINTS[0, 36:48].mean(0), POINTS[0, 33]
    for mask in changed(wear.glasses):
        assert (centre(mask) - eyes).abs().max() < 0.12 * SIDE
    for mask in changed(wear.beard):
        assert mask.nonzero()[:, 0].min() >= nose[1] - 1
        lips = POINTS[0, 51].round().long()
        assert not mask[lips[1], lips[0]]


def test_a_fringe_lies_above_the_eyes() -> None:
    for mask in changed(wear.fringe):
        assert mask.any()
        assert centre(mask)[1] < POINTS[0, 36:48, 1].mean()


@pytest.mark.parametrize("draw", [wear.fingers, wear.shadow])
def test_fingers_and_shadows_cover_a_part(draw: Callable[..., Tensor]) -> None:
    shares = torch.stack([changed(draw, seed).flatten(1).float().mean(1) for seed in range(6)])
    assert 0.01 < shares.mean() < 0.9


def test_a_batch_is_dressed_by_the_seed_alone() -> None:
    pictures = torch.rand(4, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(5)
    first = wear.wear(pictures, POINTS)
    torch.manual_seed(5)
    again = wear.wear(pictures, POINTS)
    assert torch.equal(first, again)
    assert not torch.equal(first, pictures)
