"""Moving pixels: against scipy's interpolation, shifts that are known, and gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from aukit.synthesis.motion import STRIDE, moved


def pixels(count: float, size: int) -> float:
    """The motion that means some pixels of a picture."""
    return count * 2 / size / STRIDE


@pytest.mark.parametrize("size", [8, 96])
def test_without_motion_nothing_moves(size: int) -> None:
    images = torch.rand(2, 3, size, size)
    torch.testing.assert_close(moved(images, torch.zeros(2, 2, 8, 8)), images)


@given(right=st.integers(-3, 3), down=st.integers(-3, 3))
def test_a_whole_shift_fetches_the_neighbour(right: int, down: int) -> None:
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    motion = torch.tensor([pixels(right, 16), pixels(down, 16)]).view(1, 2, 1, 1)
    shifted = moved(images, motion.expand(1, 2, 4, 4))
    expected = images.roll((-down, -right), (-2, -1))
    torch.testing.assert_close(
        shifted[..., 4:12, 4:12], expected[..., 4:12, 4:12], atol=1e-5, rtol=0
    )


def test_any_motion_is_scipys_linear_interpolation() -> None:
    generator = np.random.default_rng(0)
    image = generator.random((3, 20, 20))
    offsets = generator.normal(0, 2, (2, 20, 20))  # x, y in pixels
    rows, columns = np.mgrid[:20, :20]
    expected = [
        map_coordinates(c, [rows + offsets[1], columns + offsets[0]], order=1, mode="nearest")
        for c in image
    ]
    motion = torch.from_numpy(offsets * pixels(1, 20)).float()
    found = moved(torch.from_numpy(image).float()[None], motion[None])[0]
    np.testing.assert_allclose(found, np.stack(expected), atol=1e-5)


def test_a_small_field_moves_a_large_picture_by_the_same_share() -> None:
    images = torch.rand(1, 3, 32, 32)
    motion = torch.full((1, 2, 32, 32), pixels(4, 32))
    torch.testing.assert_close(moved(images, motion[..., :8, :8]), moved(images, motion))


def test_gradients_are_those_of_finite_differences() -> None:
    torch.manual_seed(0)
    images = torch.rand(1, 3, 6, 6, dtype=torch.float64, requires_grad=True)
    motion = (torch.rand(1, 2, 6, 6, dtype=torch.float64) - 0.5).requires_grad_()
    assert torch.autograd.gradcheck(moved, (images, motion))


def test_a_diverged_motion_does_not_crash() -> None:
    motion = torch.full((2, 2, 16, 16), float("nan"), requires_grad=True)
    found = moved(torch.rand(2, 3, 16, 16), motion)
    found.mean().backward()  # type: ignore[no-untyped-call]
    assert bool(found.isfinite().all())
