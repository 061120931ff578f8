"""Crops that carry pictures and meshes alike, and disturbances that leave the face where it is."""

from __future__ import annotations

import math

import pytest
import torch

from aukit.vision.warp import apply, warp
from aukit_prnet import augment, crop
from aukit_prnet.augment import Jitter, crops, cut, disturb, move


@pytest.fixture
def landmarks() -> torch.Tensor:
    torch.manual_seed(0)
    points = torch.rand(16, 68, 2) * 40 + 30
    points[:, 36:48, 1] -= 20  # eyes above the mouth: heads that do not lie
    return points


def test_without_jitter_the_crop_is_the_aligners(landmarks: torch.Tensor) -> None:
    torch.testing.assert_close(crops(landmarks, 64), crop.around_points(landmarks, 64))


def test_jitter_stays_within_its_limits(landmarks: torch.Tensor) -> None:
    jitter = Jitter(shift=0.1, scale=0.1, angle=30, most=45)
    exact, moved = crops(landmarks, 64), crops(landmarks, 64, jitter)
    scale = (torch.linalg.det(moved[:, :2, :2]) / torch.linalg.det(exact[:, :2, :2])).sqrt()
    assert scale.min() > 1 / 1.101
    assert scale.max() < 1 / 0.899
    assert scale.std() > 0.02
    angle = torch.atan2(moved[:, 1, 0], moved[:, 0, 0]).rad2deg()
    assert angle.abs().max() < 45.1
    assert angle.std() > 10
    centre = (landmarks.amin(1) + landmarks.amax(1)) / 2
    off = apply(moved, centre[:, None])[:, 0] - 31.5
    assert off.norm(dim=1).max() < math.sqrt(2) * 0.1 * 64 / 0.9


def test_pictures_and_vertices_move_alike(landmarks: torch.Tensor) -> None:
    """A bright spot is found where its vertex goes."""
    axis = torch.arange(100.0)
    spots = landmarks[:, 0]
    distance = (axis - spots[:, :1, None]) ** 2 + (axis[:, None] - spots[:, 1:, None]) ** 2
    pictures = torch.exp(-distance / 8)[:, None]
    transforms = crops(landmarks, 96, Jitter())
    vertices = torch.cat([spots, torch.full((16, 1), 7.0)], 1)[:, None]
    expected = move(vertices, transforms)[:, 0]
    seen = cut(pictures, transforms, 96)[:, 0]
    place = torch.arange(96.0)
    mass = seen.sum((1, 2))
    x = (seen.sum(1) * place).sum(1) / mass
    y = (seen.sum(2) * place).sum(1) / mass
    inside = ((expected[:, :2] > 12) & (expected[:, :2] < 83)).all(1)
    assert inside.sum() > 4
    torch.testing.assert_close(
        torch.stack([x, y], 1)[inside], expected[inside, :2], atol=0.1, rtol=0
    )
    scale = torch.linalg.det(transforms[:, :2, :2]).sqrt()
    torch.testing.assert_close(expected[:, 2], 7 * scale)


def test_cut_agrees_with_the_exact_warp() -> None:
    torch.manual_seed(1)
    pictures = torch.rand(2, 3, 40, 40)
    landmarks = torch.rand(2, 68, 2) * 16 + 12
    transforms = crops(landmarks, 64, Jitter())
    expected = warp(list(pictures), transforms, 64)
    inner = (slice(None), slice(None), slice(8, 56), slice(8, 56))
    found = cut(pictures, transforms, 64)
    covered = warp(list(torch.ones(2, 3, 40, 40)), transforms, 64)[inner] == 1
    torch.testing.assert_close(found[inner][covered], expected[inner][covered], atol=0.02, rtol=0)


def test_disturbed_pictures_are_pictures() -> None:
    torch.manual_seed(2)
    pictures, cover = torch.rand(8, 3, 64, 64), (torch.rand(8, 1, 64, 64) > 0.5).float()
    found = disturb(pictures, cover)
    assert found.shape == pictures.shape
    assert found.isfinite().all()
    assert found.min() >= 0
    assert found.max() <= 1
    assert (found - pictures).abs().mean((1, 2, 3)).min() > 0.005


def test_only_the_background_is_replaced() -> None:
    torch.manual_seed(3)
    pictures, cover = torch.rand(8, 3, 64, 64), torch.zeros(8, 1, 64, 64)
    cover[..., 20:40, 20:40] = 1
    found = augment.replace_background(pictures, cover, chance=1.0)
    same = found == pictures
    assert same[..., 20:40, 20:40].all()
    assert same[..., :16, :16].float().mean() < 0.05


def test_things_in_front_cover_a_part_only() -> None:
    torch.manual_seed(4)
    pictures = torch.full((64, 3, 64, 64), 0.5)
    share = (augment.occlude(pictures, chance=1.0) != 0.5).any(1).float().mean((1, 2))
    assert share.min() > 0.005
    assert share.max() < 0.5
    assert torch.equal(augment.occlude(pictures, chance=0.0), pictures)


@pytest.mark.parametrize("effect", [augment.relight, augment.recolour])
def test_light_does_not_move_anything(effect) -> None:  # type: ignore[no-untyped-def]
    """Edges stay where they are: flat areas stay flat in the small."""
    torch.manual_seed(5)
    pictures = torch.zeros(16, 3, 64, 64) + 0.2
    pictures[..., 32:] = 0.6
    found = effect(pictures)
    step = (found[..., 1:] - found[..., :-1]).abs().mean((0, 1, 2))
    assert int(step.argmax()) == 31


def test_blur_takes_detail_and_keeps_the_mean() -> None:
    torch.manual_seed(6)
    pictures = torch.rand(4, 3, 64, 64)
    found = augment.blur(pictures, chance=1.0)
    assert (found.std((2, 3)) < 0.9 * pictures.std((2, 3))).all()
    torch.testing.assert_close(found.mean((2, 3)), pictures.mean((2, 3)), atol=0.02, rtol=0)


def test_draws_come_from_the_global_generator() -> None:
    pictures, cover = torch.rand(4, 3, 32, 32), torch.ones(4, 1, 32, 32)

    def drawn() -> torch.Tensor:
        torch.manual_seed(7)
        return disturb(pictures, cover)

    assert torch.equal(drawn(), drawn())
