"""Errors of meshes, against NumPy written from the definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aukit_prnet.layout import Layout
from aukit_prnet.measure import box_side, errors, inter_ocular, nme, same_depth


def _points(seed: int, count: int = 68, batch: int = 3) -> torch.Tensor:
    return 50 * torch.randn(batch, count, 3, generator=torch.Generator().manual_seed(seed))


def test_nme_is_the_mean_distance_over_the_scale() -> None:
    found, truth = _points(0), _points(1)
    expected = []
    for face, known in zip(found.numpy(), truth.numpy(), strict=True):
        distances = [np.sqrt(((p - q) ** 2).sum()) for p, q in zip(face, known, strict=True)]
        expected.append(np.mean(distances) / np.sqrt(((known[36] - known[45]) ** 2).sum()))
    measured = nme(found, truth, inter_ocular(truth))
    np.testing.assert_allclose(measured.numpy(), expected, rtol=1e-5)


def test_box_side_is_that_of_the_box() -> None:
    points = _points(2)
    for face, side in zip(points.numpy(), box_side(points), strict=True):
        width, height = np.ptp(face[:, 0]), np.ptp(face[:, 1])
        assert float(side) == pytest.approx(float(np.sqrt(width * height)), rel=1e-5)


@given(st.floats(0.1, 10), st.floats(-100, 100), st.integers(0, 100))
def test_errors_do_not_depend_on_size_or_place(scale: float, shift: float, seed: int) -> None:
    layout = Layout.load(32)
    truth = layout.canonical[None] + 0
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(seed))
    found = truth + noise
    here = errors(found, truth, layout.template)
    there = errors(found * scale + shift, truth * scale + shift, layout.template)
    for name, value in here.items():
        torch.testing.assert_close(there[name], value, rtol=1e-2, atol=1e-3)


def test_distance_from_the_camera_is_no_error() -> None:
    layout = Layout.load(32)
    truth = layout.canonical[None]
    away = truth + torch.tensor([0, 0, 25.0])
    assert all(float(value) < 1e-5 for value in errors(away, truth, layout.template).values())
    deeper = truth * torch.tensor([1, 1, 1.5])
    assert float(errors(deeper, truth, layout.template)["dense"]) > 0.01


def test_same_depth_leaves_the_picture_alone() -> None:
    found, truth = _points(3), _points(4)
    moved = same_depth(found, truth)
    assert torch.equal(moved[..., :2], found[..., :2])
    torch.testing.assert_close(moved[..., 2].mean(1), truth[..., 2].mean(1))
