"""The crop against scikit-image, which the authors' code uses, and against its own inverse."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage.transform import estimate_transform
from skimage.transform import warp as skimage_warp

from aukit.vision.warp import apply, place
from aukit_prnet import crop
from aukit_prnet.layout import Layout
from aukit_prnet.network import REACH

SIDES = st.floats(20, 400)
PLACES = st.floats(-100, 900)


def _published(left: float, right: float, top: float, bottom: float, box: bool, side: int):  # type: ignore[no-untyped-def]
    """The published rule: three corners of a square to three corners of the crop."""
    old = (right - left + bottom - top) / 2
    x, y = (left + right) / 2, (top + bottom) / 2 + (0.14 * old if box else 0)
    half = old * (1.58 if box else 1.6) / 2
    source = np.array([[x - half, y - half], [x - half, y + half], [x + half, y - half]])
    target = np.array([[0, 0], [0, side - 1], [side - 1, 0]])
    return estimate_transform("similarity", source, target)


@given(PLACES, PLACES, SIDES, SIDES, st.sampled_from([64, 256]))
def test_crops_follow_the_published_rule(
    left: float, top: float, width: float, height: float, side: int
) -> None:
    points = torch.tensor([left + width / 2, top + height]).repeat(1, 68, 1)
    points[0, 36:42], points[0, 42:48] = torch.tensor([[[left, top]], [[left + width, top]]])
    box = torch.tensor([[left, top, left + width, top + height]])

    edges = (left, left + width, top, top + height)
    for found, is_box in (
        (crop.around_points(points, side), False),
        (crop.around_boxes(box, side), True),
    ):
        expected = _published(*edges, is_box, side).params
        assert np.allclose(found[0].numpy(), expected, atol=2e-3 * np.abs(expected).max())


@given(st.floats(-3, 3), st.integers(0, 99))
def test_upright_crops_see_a_leaning_face_as_any_other(angle: float, seed: int) -> None:
    level = torch.randn(1, 68, 2, generator=torch.Generator().manual_seed(seed)).double() * 40 + 200
    level[:, 45] = level[:, 36] + torch.tensor([70.0, 0])
    level[:, 48:] += torch.tensor([0.0, 300])
    lean = place(
        torch.tensor([1.3]), torch.tensor([angle]), torch.tensor([[200.0, 200]]), torch.zeros(2)
    ).double()
    leaning = apply(lean, level)

    expected = apply(crop.around_points(level, 128), level)
    found = apply(crop.around_points(leaning, 128, upright=True), leaning)

    assert torch.allclose(found, expected, atol=1e-3)


def _head() -> torch.Tensor:
    """(1, 68, 2) an upright head: eyes above a mouth, a jaw around them."""
    points = torch.tensor([200.0, 220]).repeat(1, 68, 1)
    points[:, :17] = torch.stack([torch.linspace(120, 280, 17), 200 + 90 * _arch()], -1)
    points[:, 36:42], points[:, 42:48] = torch.tensor([[[160.0, 190]], [[240.0, 190]]])
    points[:, 48:] = torch.tensor([200.0, 260])
    return points.double()


def _arch() -> torch.Tensor:
    return torch.linspace(0, torch.pi, 17).sin()


@given(st.floats(-44, 44))
def test_a_head_that_leans_a_little_is_cut_as_published(degrees: float) -> None:
    found = crop.around_points(_leaning(_head(), degrees), 128)

    assert torch.equal(found[:, [0, 1], [1, 0]].abs(), torch.zeros(1, 2).double())
    assert (found[:, 0, 0] > 0).all()


@pytest.mark.parametrize("quarters", [1, 2, 3])
@given(st.floats(-44, 44))
def test_a_head_that_lies_on_its_side_is_cut_as_if_it_stood(quarters: int, degrees: float) -> None:
    standing = _leaning(_head(), degrees)
    lying = _leaning(standing, 90.0 * quarters)

    expected = apply(crop.around_points(standing, 128), standing)
    found = apply(crop.around_points(lying, 128), lying)

    assert torch.allclose(found, expected, atol=1e-3)


def _leaning(points: torch.Tensor, degrees: float) -> torch.Tensor:
    angle, middle = torch.tensor([degrees]).deg2rad().double(), torch.tensor([[200.0, 200]])
    return apply(place(torch.ones(1), angle, middle.double(), middle.double()), points)


def test_pictures_are_cut_as_scikit_image_cuts_them() -> None:
    random = np.random.default_rng(0)
    coarse = random.random((12, 14, 3))
    picture = np.kron(coarse, np.ones((20, 20, 1)))
    image = torch.from_numpy((picture * 255).round().astype(np.uint8)).permute(2, 0, 1)
    rule = _published(60, 130, 50, 115, False, 96)
    expected = skimage_warp(picture, rule.inverse, output_shape=(96, 96), order=1)

    found = crop.cut([image], torch.from_numpy(rule.params)[None], 96)

    assert found.shape == (1, 3, 96, 96)
    gap = found[0].permute(1, 2, 0).numpy() - expected
    assert np.abs(gap).mean() < 0.005


def test_large_pictures_are_averaged_not_sampled() -> None:
    stripes = (torch.arange(800) % 2 * 255).to(torch.uint8).expand(3, 800, 800)
    around = crop.square(torch.tensor([[400.0, 400]]), torch.tensor([700.0]), 64)

    found = crop.cut([stripes], around, 64)[0, :, 4:-4, 4:-4]

    assert (found - 0.5).abs().max() < 0.15


def test_the_source_beyond_the_picture_is_black() -> None:
    image = torch.full((3, 100, 100), 255, dtype=torch.uint8)
    around = crop.square(torch.tensor([[0.0, 50]]), torch.tensor([80.0]), 64)

    found = crop.cut([image], around, 64)[0]

    assert not found[:, :, :30].any()
    assert (found[:, :, 34:] > 0.99).all()


@pytest.mark.parametrize("depth", [1, -1])
def test_undoing_a_crop_finds_the_source(depth: int) -> None:
    vertices = torch.randn(2, 50, 3) * 60 + 300
    crops = crop.around_points(vertices, 128).double()
    scale = torch.linalg.det(crops[:, :2, :2]).sqrt()[:, None, None]
    inside = apply(crops, vertices[..., :2].double())
    nearest = vertices[..., 2:].amin(1, keepdim=True)
    z = depth * scale * (vertices[..., 2:] - nearest)
    seen = torch.cat([inside, z], -1) / (REACH * 128)

    found = crop.undo(seen, crops, 128, depth)

    assert torch.allclose(found[..., :2], vertices[..., :2].double(), atol=1e-3)
    assert torch.allclose(found[..., 2:], (vertices[..., 2:] - nearest).double(), atol=1e-3)


def test_the_whole_map_reaches_beyond_the_crop() -> None:
    """The face may leave the crop by a tenth of its side at the right and the bottom."""
    layout = Layout.load(64)
    ones = layout.vertices_of(torch.ones(1, 3, 64, 64))
    around = crop.square(torch.tensor([[31.5, 31.5]]), torch.tensor([63.0]), 64)

    assert crop.undo(ones, around, 64, 1).amax().item() == pytest.approx(1.1 * 64)
