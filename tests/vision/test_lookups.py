"""The compiled lookups beside the torch code that does the same on other devices."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from aukit.vision import lookups, occlusion, windows
from aukit.vision.occlusion import Shadow
from aukit.vision.warp import Border, place, warp
from aukit.vision.windows import sample


def assert_near(found: Tensor, expected: Tensor) -> None:
    """Equal but for places rounded by 1e-4 of a pixel, in pictures that change by 255 a pixel."""
    away = (found.float() - expected.float()).abs()
    assert away.max() <= (1 if found.dtype == torch.uint8 else 0.1)
    assert (away > 0.1).float().mean() < 0.05


@given(seed=st.integers(0, 10**6))
@settings(max_examples=20)
def test_shares_are_those_of_torch(seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    depth = torch.rand(2, 224, 224, generator=generator)
    depth[depth < 0.2] = torch.inf
    place = torch.rand(500, 2, generator=generator) * 240 - 8  # beyond all borders, too
    place[:50] = place[:50].round()
    at = torch.rand(500, generator=generator)
    row = torch.randint(0, 2, (500,), generator=generator)
    shadow = Shadow(depth, torch.ones(2), torch.zeros(2, 2))
    found = shadow._share_behind(place, at, row)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(occlusion, "loops_for", lambda *_: None)
        expected = shadow._share_behind(place, at, row)
    assert torch.equal(found, expected)
    assert 0 < found.mean() < 1


@given(
    seed=st.integers(0, 10**6),
    shrink=st.sampled_from([1.0, 1.7, 3.0, 5.0]),
    dtype=st.sampled_from([torch.uint8, torch.float32]),
)
@settings(max_examples=30)
def test_colours_are_those_of_torch(seed: int, shrink: float, dtype: torch.dtype) -> None:
    generator = torch.Generator().manual_seed(seed)
    pictures = [
        torch.randint(0, 256, (3, *size), generator=generator).to(dtype)
        for size in ((90, 140), (300, 41))
    ]
    places = torch.rand(2, 20, 30, 2, generator=generator) * 160 - 10
    seen = torch.rand(2, 20, 30, generator=generator) > 0.3
    given_all = pictures, places, seen, torch.full((2,), shrink)
    found = sample(*given_all)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "loops_for", lambda *_: None)
        expected = sample(*given_all)
    assert found.dtype == expected.dtype == dtype
    assert_near(found, expected)


@given(
    seed=st.integers(0, 10**6),
    scale=st.floats(0.2, 3),
    dtype=st.sampled_from([torch.uint8, torch.float32]),
    border=st.sampled_from(["zeros", "replicate"]),
)
@settings(max_examples=30)
def test_warps_are_those_of_torch(
    seed: int, scale: float, dtype: torch.dtype, border: Border
) -> None:
    generator = torch.Generator().manual_seed(seed)
    pictures = [
        torch.randint(0, 256, (3, *size), generator=generator).to(dtype)
        for size in ((90, 140), (300, 41))
    ]
    turn, middle = torch.rand(2, generator=generator), torch.rand(2, 2, generator=generator) * 99
    transforms = place(torch.full((2,), scale), turn, middle, torch.tensor([16.0, 16.0]))
    found = warp(pictures, transforms, 32, border)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(windows, "loops_for", lambda *_: None)
        expected = warp(pictures, transforms, 32, border)
    assert found.dtype == expected.dtype == dtype
    assert_near(found, expected)


@pytest.mark.parametrize("where", [torch.nan, torch.inf, -torch.inf, 1e30, -1e30])
def test_places_that_are_nowhere_read_no_foreign_memory(where: float) -> None:
    places = torch.full((1, 2, 2, 2), where)
    looked = torch.ones(1, 2, 2, dtype=torch.bool)
    white = torch.full((1, 3, 5, 5), 255, dtype=torch.uint8)
    found = lookups.colours(list(white), places, looked, whole=True)
    assert (found == 255).all()
    lookups.shares(torch.ones(1, 9, 9), places.view(4, 2), torch.ones(4), torch.zeros(4).long())
