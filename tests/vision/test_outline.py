"""What belongs to a registered face: its outline, its forehead, its holes and what covers it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.measure import points_in_poly
from skimage.morphology import convex_hull_image
from torch import Tensor

from aukit.testing.heads import egg, meshes, picture
from aukit.vision import outline, registered
from aukit.vision.boxes import small_holes
from aukit.vision.dome import HAIRLINE, Dome
from aukit.vision.frontal import FrontalView
from aukit.vision.frontal_options import FrontalOptions
from aukit.vision.rotation import carry

HEAD = egg(65)
SIZE = 128
POINTS = HEAD.landmarks_of(HEAD.vertices)


def posed(pitch: float = 0.0, yaw: float = 0.0, head: object = HEAD) -> Tensor:
    return meshes(
        head,  # type: ignore[arg-type]
        torch.tensor([[pitch, yaw, 0.0]]),
        torch.tensor([80.0]),
        torch.tensor([[150.0, 150.0]]),
    )


def skin(mesh: Tensor) -> Tensor:
    """A head of one colour before a wall of another."""
    there = picture(HEAD, mesh[0], (300, 300), torch.zeros(3, 300, 300)).sum(0) > 0
    wall, colour = torch.tensor([90, 120, 200]), torch.tensor([200, 140, 110])
    return torch.where(there, colour[:, None, None], wall[:, None, None]).byte()


def view(**options: object) -> FrontalView:
    return FrontalView.of(HEAD, replace(FrontalOptions(size=SIZE), **options), "cpu")


def test_the_inset_agrees_with_polygons() -> None:
    corners = outline.curve(HEAD.vertices, POINTS)
    places = torch.rand(500, 2, generator=torch.Generator().manual_seed(0)) * 2.4 - 1.2
    places = places * corners.abs().amax(0)
    found = outline.inset(places, corners)
    assert np.array_equal((found > 0).numpy(), points_in_poly(places.numpy(), corners.numpy()))
    along = torch.lerp(corners, corners.roll(-1, 0), torch.rand(len(corners), 1))
    nearest = torch.cdist(places, torch.cat([corners, along])).amin(1)
    assert (found.abs() <= nearest + 1e-5).all()
    assert torch.allclose(found.abs(), nearest, atol=0.05)


def test_the_outline_is_smooth_and_the_same_for_a_face_in_any_pose() -> None:
    shapes = []
    for yaw in (0.0, 8.0):
        mesh = posed(yaw=yaw)
        shown = view(hair="shown").show([skin(mesh)], mesh)[0]
        region = shown.images[0].any(0).numpy()
        assert region.sum() / convex_hull_image(region).sum() > 0.97
        shapes.append(region)
    assert (shapes[0] ^ shapes[1]).sum() < 0.03 * shapes[0].sum()


def test_no_wall_within_the_outline_of_a_mesh_that_is_too_wide() -> None:
    mesh, wide = posed(), posed() * torch.tensor([1.04, 1.0, 1.0])
    wide[..., 0] += (mesh[..., 0] - wide[..., 0]).mean()
    taken = skin(mesh)
    walls = []
    for bounds in ("face", "mesh"):
        face = view(outline=bounds, hairline=False).show([taken], wide)[0].images[0]
        walls.append(int(((face[2].int() - face[0]) > 40).sum()))
    assert walls[0] == 0
    assert walls[1] > 50


def test_the_dome_of_the_mean_face_is_its_own_in_any_pose() -> None:
    low = HEAD.vertices[HEAD.triangles, 1].amin(1) > POINTS[17:27, 1].amin() - 0.2
    head = replace(HEAD, triangles=HEAD.triangles[low])
    dome = Dome(head)
    whole = dome.template
    brow, chin = POINTS[17:27, 1].mean(), POINTS[8, 1]
    above = whole.vertices[len(HEAD.vertices) :]
    assert float(brow - above[:, 1].amin()) == pytest.approx(
        float(HAIRLINE * (chin - brow)), rel=0.1
    )
    turned = meshes(
        whole, torch.tensor([[10.0, 25.0, 5.0]]), torch.tensor([70.0]), torch.full((1, 2), 90.0)
    )
    own = turned[:, : len(HEAD.vertices)]
    fit = FrontalView.of(head, FrontalOptions(size=SIZE), "cpu")
    fits = fit._similarities(turned)
    assert torch.allclose(dome.over(own, fits, fit._target), turned, atol=0.05)
    assert torch.allclose(carry(turned, fits), fit._target[None], atol=0.05)


def test_the_hairline_is_shown_or_not() -> None:
    mesh = posed()
    high, low = (view(hairline=shown, hair="shown") for shown in (True, False))
    pictures = [each.show([skin(mesh)], mesh)[0].valid[0] for each in (high, low)]
    shares = []
    for each, shown in zip((high, low), pictures, strict=True):
        brow, chin = each.target[17:27, 1].mean(), each.target[8, 1]
        top = shown.any(1).nonzero()[0, 0]
        shares.append(float((brow - top) / (chin - brow)))
    assert shares[0] > 0.38
    assert shares[1] < 0.3
    assert pictures[0][:2].sum() == 0


def test_small_holes_agree_with_a_morphological_opening() -> None:
    mask = torch.rand(1, 80, 80, generator=torch.Generator().manual_seed(3))
    mask = torch.from_numpy(ndimage.gaussian_filter(mask.numpy(), (0, 2, 2)) > 0.48)
    hole = ~mask[0].numpy()
    core = ndimage.binary_erosion(hole, np.ones((5, 5)), border_value=1)
    large = ndimage.binary_dilation(core, np.ones((9, 9)))
    assert np.array_equal(small_holes(mask, 5)[0].numpy(), hole & ~large)
    assert small_holes(mask, 5).any()


@pytest.mark.parametrize(("where", "gone"), [("fringe", True), ("beard", False)])
def test_hair_over_the_forehead_is_black_and_counts_but_a_beard_is_face(
    where: str, gone: bool
) -> None:
    mesh = posed()
    points = HEAD.landmarks_of(mesh)[0]
    taken = skin(mesh)
    rows = torch.arange(300)[:, None]
    brow, mouth = points[17:27, 1].amin(), points[57, 1]
    covered = (rows < brow - 8) if where == "fringe" else (rows > mouth)
    haired = torch.where(covered, torch.tensor([40, 30, 25])[:, None, None].byte(), taken)
    bare, found = (view().show([image], mesh)[0] for image in (taken, haired))
    assert bare.occlusion is not None
    assert found.occlusion is not None
    assert bare.occlusion[0] < 0.02
    lost = bare.valid[0] & ~found.valid[0]
    assert (lost.sum() > 0.1 * bare.valid[0].sum()) == gone
    if gone:
        assert not found.images[0][:, lost].any()
        assert found.occlusion[0] == pytest.approx(
            float(lost.sum() / bare.valid[0].sum()), abs=0.02
        )
        shown = view(hair="shown").show([haired], mesh)[0]
        assert torch.equal(shown.valid, bare.valid)


def test_a_turned_face_is_occluded() -> None:
    shares = []
    for yaw in (0.0, 40.0, 60.0):
        mesh = posed(yaw=yaw)
        found = view(hair="shown").show([skin(mesh)], mesh)[0]
        assert found.occlusion is not None
        shares.append(float(found.occlusion[0]))
    assert shares[0] < 0.02 < 0.1 < shares[1] < shares[2] < 0.6


def test_what_has_no_face_s_shape_is_refused_with_that_reason() -> None:
    good = posed(10, 20)
    assert HEAD.misfit(good).item() < 1e-4
    generator = torch.Generator().manual_seed(0)
    grotesque = good + 25 * torch.randn(good.shape, generator=generator)
    shown = view().show([skin(good)] * 2, torch.cat([good, grotesque]))[0]
    assert shown.reasons == (None, registered.NO_SHAPE)
    assert shown.occlusion is not None
    assert shown.occlusion[1].isnan()
