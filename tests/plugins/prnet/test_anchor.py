"""Meshes that are brought into line with landmarks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from aukit.vision.rotation import rotations
from aukit_prnet import anchor
from aukit_prnet.anchor import INNER, Anchor, pose
from aukit_prnet.layout import Layout


@pytest.fixture(scope="module")
def layout() -> Layout:
    return Layout.load(64)


def _true(layout: Layout) -> Tensor:
    """(3, V, 3) canonical faces in other poses, pixels."""
    angles = torch.tensor([[0.0, 0, 0], [-15, 25, 5], [20, -30, -10]])
    turned = layout.canonical @ rotations(angles).mT
    return 12 * turned + torch.tensor([150.0, 140, 0])


def _points(layout: Layout, meshes: Tensor) -> Tensor:
    return layout.template.landmarks_of(meshes)


def test_a_pose_that_is_right_stays(layout: Layout) -> None:
    true = _true(layout)
    points = _points(layout, true)[:, INNER]

    assert torch.allclose(pose(true, points, points[..., :2]), true, atol=1e-2)


def test_a_scaled_and_shifted_mesh_comes_back(layout: Layout) -> None:
    true = _true(layout)
    wrong = 1.2 * (true - 100) + torch.tensor([90.0, 130, 100])

    found = Anchor(layout, "pose")(wrong, _points(layout, true)[..., :2])

    found[..., 2] += (true - found)[..., 2].mean(1, keepdim=True)  # a picture knows no distance
    assert torch.allclose(found, true, atol=0.1)


@pytest.mark.parametrize(("trust", "least", "most"), [(1e-5, 0.0, 0.02), (0.3, 0.3, 0.8)])
def test_a_turned_mesh_is_turned_back_as_far_as_it_is_not_trusted(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, trust: float, least: float, most: float
) -> None:
    monkeypatch.setattr(anchor, "_TRUST", trust)
    true = _true(layout)
    turn = rotations(torch.tensor([[6.0, -12, 4]]))
    middle = true.mean(1, keepdim=True)
    wrong = (true - middle) @ turn.mT + middle

    found = Anchor(layout, "pose")(wrong, _points(layout, true)[..., :2])

    found = found + (true - found).mean(1, keepdim=True)
    left = (found - true).norm(dim=-1).mean() / (wrong - true).norm(dim=-1).mean()
    assert least <= left < most


def test_a_bent_mesh_comes_near_its_landmarks_and_stays_smooth(layout: Layout) -> None:
    true = _true(layout)
    points = _points(layout, true)[..., :2].clone()
    points[:, 48:] += torch.tensor([0.0, 12])  # the mouth is lower than the mesh knows

    posed, bent = (Anchor(layout, how)(true, points) for how in ("pose", "points"))

    miss_posed, miss_bent = (
        (_points(layout, mesh)[:, 48:, :2] - points[:, 48:]).norm(dim=-1).mean()
        for mesh in (posed, bent)
    )
    assert miss_bent < 0.3 * miss_posed
    assert torch.equal(posed[..., 2], bent[..., 2])
    moved = (bent - posed)[..., 1]
    forehead = layout.canonical[:, 1] < layout.canonical[:, 1].amin() + 1
    assert moved[:, forehead].abs().max() < 1
    steps = moved[:, layout.triangles[:, 0]] - moved[:, layout.triangles[:, 1]]
    assert steps.abs().max() < 3


def test_without_anchor_nothing_moves(layout: Layout) -> None:
    true = _true(layout)

    assert Anchor(layout, "none")(true, torch.zeros(3, 68, 2)) is true
