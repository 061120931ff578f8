"""Views, and the camera against a textbook pinhole."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from aukit.errors import ConfigError
from aukit.views import FERA17
from aukit.vision.rotation import product, rotations
from aukit_avatars.camera import Camera, bend, views_of


def test_views_within_the_range_are_taken() -> None:
    assert views_of("fera17") == FERA17
    assert views_of("-20,40") == ((-20.0, 40.0),)


@pytest.mark.parametrize("text", ["0,80", "-50,0", "46,0"])
def test_a_view_outside_the_range_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError, match="outside the camera's range"):
        views_of(text)


def test_signs_are_as_documented() -> None:
    forward = torch.tensor([0.0, 0.0, 1.0])
    turned = rotations(torch.tensor([[0.0, 30.0, 0.0], [30.0, 0.0, 0.0]])) @ forward
    assert turned[0, 0] == pytest.approx(math.sin(math.radians(30)))  # to the right of the picture
    assert turned[1, 1] == pytest.approx(math.sin(math.radians(30)))  # up
    rolled = rotations(torch.tensor([[0.0, 0.0, 30.0]])) @ torch.tensor([0.0, 1.0, 0.0])
    assert rolled[0, 0] > 0  # clockwise: the top goes to the right


def test_rotations_agree_with_scipy() -> None:
    angles = torch.tensor([[10.0, -35.0, 5.0], [-40.0, 40.0, -12.0]])
    yaw_pitch_roll = angles.numpy()[:, [1, 0, 2]] * [1.0, -1.0, -1.0]  # to the right-handed sense
    expected = Rotation.from_euler("yxz", yaw_pitch_roll, degrees=True).as_matrix()
    ours = rotations(angles)
    assert np.allclose(ours, expected, atol=1e-6)
    identity = product(ours, ours.transpose(1, 2))
    assert torch.allclose(identity, torch.eye(3).expand(2, 3, 3), atol=1e-6)


def test_the_projection_is_a_pinhole() -> None:
    generator = torch.Generator().manual_seed(2)
    points = 8 * torch.randn(3, 50, 3, generator=generator)
    camera = Camera(
        rotation=rotations(20 * torch.randn(3, 3, generator=generator)),
        shift=torch.randn(3, 2, generator=generator),
        distance=torch.tensor([60.0, 90.0, 120.0]),
        height=torch.tensor([24.0, 27.0, 30.0]),
    )
    ours = camera.project(camera.place(points), (120, 160))
    for b in range(3):
        focal = 120 * float(camera.distance[b] / camera.height[b])
        matrix = np.array([[focal, 0, 80], [0, focal, 60], [0, 0, 1]])
        turn = np.diag([1.0, -1.0, -1.0])  # computer vision looks along +z with y down
        offset = np.array([*camera.shift[b].tolist(), -float(camera.distance[b])])
        seen = (points[b].numpy() @ camera.rotation[b].numpy().T + offset) @ turn
        pixels = seen @ matrix.T
        assert np.allclose(ours[b, :, :2], pixels[:, :2] / pixels[:, 2:], atol=1e-2)
        assert np.allclose(ours[b, :, 2], pixels[:, 2], atol=1e-4)


def test_a_picture_is_the_same_in_any_batch() -> None:
    points = torch.randn(5, 200, 3, generator=torch.Generator().manual_seed(3))
    camera = Camera(
        rotations(torch.linspace(-40, 40, 15).view(5, 3)), torch.ones(5, 2), torch.full((5,), 99.0),
        torch.full((5,), 25.0),
    )  # fmt: skip
    together = camera.project(camera.place(points), (64, 64))
    for k in range(5):
        alone = camera[k : k + 1]
        assert torch.equal(alone.project(alone.place(points[k : k + 1]), (64, 64))[0], together[k])


def test_the_neck_bends_and_the_shoulders_stay() -> None:
    vertices = torch.tensor([[[0.0, 0.0, 8.0], [0.0, -20.0, 0.0]]])
    bent = bend(vertices, torch.tensor([1.0, 0.0]), torch.tensor([[0.0, 20.0, 0.0]]))
    assert bent[0, 0, 0] > 2
    assert torch.equal(bent[0, 1], vertices[0, 1])
