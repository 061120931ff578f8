"""The mesh template, its normals, and which points a picture shows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from aukit.testing.heads import egg
from aukit.vision.mesh import MeshTemplate
from aukit.vision.occlusion import Normals, Shadow

HEAD = egg(41)


def test_landmarks_are_weighted_sums() -> None:
    numbers, weights = torch.zeros(68, 2).long(), torch.full((68, 2), 0.25)
    numbers[:, 1], weights[:, 1] = torch.arange(68), 0.75
    mixed = replace(HEAD, landmarks=numbers, landmark_weights=weights)
    points = mixed.landmarks_of(HEAD.vertices[None])
    expected = 0.25 * HEAD.vertices[0] + 0.75 * HEAD.vertices[:68]
    assert torch.allclose(points[0], expected, atol=1e-6)


def test_the_egg_is_symmetric() -> None:
    assert HEAD.mirror is not None
    across = HEAD.vertices[HEAD.mirror] * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(across, HEAD.vertices, atol=1e-5)


@pytest.mark.parametrize(
    "values",
    [
        {"vertices": torch.zeros(5, 2)},
        {"triangles": torch.zeros(4, 4).long()},
        {"triangles": torch.full((4, 3), 99999)},
        {"triangles": torch.zeros(4, 3)},
        {"landmarks": torch.zeros(67, 1).long()},
        {"landmark_weights": torch.ones(68, 2)},
        {"stable": torch.zeros(len(HEAD.vertices))},
        {"stable": torch.full((len(HEAD.vertices),), -1.0)},
        {"mirror": torch.zeros(3).long()},
    ],
)
def test_templates_that_do_not_fit_together_are_refused(values: dict[str, torch.Tensor]) -> None:
    with pytest.raises(ValueError, match="must"):
        replace(HEAD, **values)


@pytest.mark.parametrize("template", [HEAD, replace(HEAD, mirror=None)])
def test_a_template_on_a_device_is_the_same(template: MeshTemplate) -> None:
    moved = template.to("cpu")
    for name, value in vars(template).items():
        again = getattr(moved, name)
        assert again is None if value is None else torch.equal(again, value)


def test_normals_of_a_ball_point_outwards() -> None:
    across = torch.linspace(-0.6, 0.6, 31)
    y, x = torch.meshgrid(across, across, indexing="ij")
    ball = torch.stack([x, y, -(1 - x.square() - y.square()).sqrt()], -1).view(-1, 3)
    number = torch.arange(31 * 31).view(31, 31)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    triangles = torch.cat([torch.stack([a, b, c], -1), torch.stack([b, d, c], -1)]).view(-1, 3)
    for order in (triangles, triangles.flip(1)):  # whichever way round the corners run
        normals = Normals(order, ball)(ball[None])[0].view(31, 31, 3)
        assert (normals - ball.view(31, 31, 3))[1:-1, 1:-1].abs().max() < 0.01


def test_normals_do_not_depend_on_the_batch() -> None:
    meshes = torch.stack([HEAD.vertices, HEAD.vertices * 2, HEAD.vertices.flip(-1)])
    normals = Normals(HEAD.triangles, HEAD.vertices)
    together = normals(meshes)
    for row in range(3):
        assert torch.equal(normals(meshes[row : row + 1])[0], together[row])


def test_a_screen_hides_what_is_behind_it() -> None:
    square = torch.tensor([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0], [100.0, 100.0]])
    near = torch.cat([square * torch.tensor([0.5, 1.0]), torch.zeros(4, 1)], 1)
    far = torch.cat([square, torch.full((4, 1), 30.0)], 1)
    triangles = torch.tensor([[0, 1, 2], [1, 3, 2], [4, 5, 6], [5, 7, 6]])
    shadow = Shadow.of(torch.cat([near, far])[None], triangles)
    points = torch.tensor([[20.0, 50.0, 0.0], [20.0, 50.0, 30.0], [80.0, 50.0, 30.0]])
    facing = torch.tensor([[0.0, 0.0, -1.0]]).expand(3, 3)
    sample = torch.zeros(3).long()
    assert shadow.sees(points, facing, sample).tolist() == [True, False, True]
    assert not shadow.sees(points, -facing, sample).any()
