"""Edited faces go back into their photos, and nothing else of the photo changes."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from aukit.vision.paste import FEATHER, is_planar, paste
from aukit.vision.warp import place, warp

SIZE = 64


def smooth(height: int, width: int, seed: int = 0, grid: int = 8) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand((1, 3, grid, grid), generator=random) * 160 + 40
    whole = F.interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
    return whole[0].clamp(0, 255).to(torch.uint8)


def similarity(scale: float, degrees: float, x: float, y: float) -> Tensor:
    """Photo pixels -> face pixels, the photo's point (x, y) in the middle of the face."""
    middle = torch.tensor([SIZE / 2 - 0.5, SIZE / 2 - 0.5])
    angle = torch.tensor([math.radians(degrees)])
    return place(torch.tensor([float(scale)]), angle, torch.tensor([[float(x), float(y)]]), middle)[
        0
    ]


def blob() -> Tensor:
    """A soft change in the middle of the face."""
    axis = torch.linspace(-1, 1, SIZE)
    bump = torch.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / 0.08)
    return torch.stack([40 * bump, -30 * bump, 20 * bump])


def edit(face: Tensor) -> Tensor:
    return (face.float() + blob()).round().clamp(0, 255).to(torch.uint8)


@settings(max_examples=20)
@given(st.floats(0.3, 1.5), st.floats(-60, 60), st.floats(60, 200), st.floats(60, 150))
def test_the_pasted_face_registers_to_the_edited_one(
    scale: float, degrees: float, x: float, y: float
) -> None:
    photo, transform = smooth(210, 260), similarity(scale, degrees, x, y)
    face = warp([photo], transform[None], SIZE)[0]
    edited = edit(face)
    pasted = paste(photo, face, edited, transform)
    again = warp([pasted], transform[None], SIZE)[0]
    inner = slice(SIZE // 4, -SIZE // 4)
    within = warp([torch.full((1, 210, 260), 255, dtype=torch.uint8)], transform[None], SIZE)[0]
    seen = (within == 255).expand_as(face)[:, inner, inner]
    difference = (again.float() - edited.float())[:, inner, inner].abs()[seen]
    assert difference.numel() == 0 or difference.mean() < 1.5


def test_only_the_change_is_pasted_so_the_photo_stays_sharp() -> None:
    random = torch.Generator().manual_seed(1)
    photo = torch.randint(0, 256, (3, 300, 300), dtype=torch.uint8, generator=random)
    transform = similarity(0.25, 10, 150, 150)  # the face has a quarter of the photo's pixels
    face = warp([photo], transform[None], SIZE)[0]
    assert torch.equal(paste(photo, face, face, transform), photo)
    pasted = paste(photo, face, edit(face), transform)
    changed = (pasted != photo).any(0).nonzero()
    assert len(changed) > 500
    assert (changed.float() - 150).norm(dim=1).max() < 150 * 1.2
    kept = photo.float() - F.avg_pool2d(photo.float(), 3, 1, 1)
    now = pasted.float() - F.avg_pool2d(pasted.float(), 3, 1, 1)
    middle = slice(120, 180)
    assert (kept - now)[:, middle, middle].abs().mean() < 0.15 * kept.abs().mean()


def test_the_change_fades_out_at_the_border() -> None:
    photo = torch.full((3, 100, 100), 100, dtype=torch.uint8)
    transform = similarity(1, 0, 49.5, 49.5)
    face = warp([photo], transform[None], SIZE)[0]
    pasted = paste(photo, face, torch.full_like(face, 200), transform).float()[0]
    corner = 50 - SIZE // 2
    profile = pasted[50, corner : corner + SIZE // 2]
    assert (profile.diff() >= 0).all()
    assert profile[0] < 105
    assert (profile[math.ceil(FEATHER * SIZE) :] == 200).all()
    assert (pasted[:, :corner] == 100).all()


@pytest.mark.parametrize(("x", "y"), [(0, 0), (99, 50), (-200, 50), (50, 400)])
def test_a_face_beyond_the_edge_of_its_photo(x: float, y: float) -> None:
    photo, transform = smooth(100, 100), similarity(1, 20, x, y)
    face = warp([photo], transform[None], SIZE)[0]
    assert paste(photo, face, edit(face), transform).shape == photo.shape


def test_a_face_that_was_turned_in_space_is_recognized() -> None:
    photo, transform = smooth(200, 200, grid=16), similarity(0.6, 15, 100, 90)
    face = warp([photo], transform[None], SIZE)[0]
    valid = torch.ones(SIZE, SIZE, dtype=torch.bool)
    assert is_planar(photo, face, transform, valid)
    axis = torch.linspace(-1, 1, SIZE)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    bent = torch.stack([x + 0.15 * (1 - x**2), y], -1)[None]
    turned = F.grid_sample(face[None].float(), bent, align_corners=True)[0].to(torch.uint8)
    assert not is_planar(photo, turned, transform, valid)
    assert not is_planar(photo, face, transform, ~valid)
