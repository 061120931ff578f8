"""The frontal view, on heads whose pose, shape and colour are known."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from torch import Tensor

from aukit.testing.heads import colours, egg, meshes, picture
from aukit.views import FERA17, FRONTAL
from aukit.vision import registered
from aukit.vision.frontal import HIDDEN, TURNED_AWAY, FrontalView, affine
from aukit.vision.frontal_options import FrontalOptions
from aukit.vision.raster import interpolate, rasterize

HEAD = egg(65)
SIZE = 128


def posed(
    pitch: float = 0.0, yaw: float = 0.0, roll: float = 0.0, eyes: float = 80.0,
    centre: tuple[float, float] = (150.0, 150.0),
) -> Tensor:  # fmt: skip
    return meshes(
        HEAD, torch.tensor([[pitch, yaw, roll]]), torch.tensor([eyes]), torch.tensor([centre])
    )


def photo(mesh: Tensor, side: int = 300, ground: float = 0.0) -> Tensor:
    return picture(HEAD, mesh[0], (side, side), torch.full((3, side, side), ground))


WHOLE = FrontalOptions(size=SIZE, outline="mesh", hairline=False, hair="shown")
"""The mesh as far as it reaches; what is left out of it has its own tests."""


def frontal(**options: object) -> FrontalView:
    return FrontalView.of(HEAD, replace(WHOLE, **options), "cpu")


def truth() -> tuple[Tensor, Tensor]:
    """What the template looks like where every view puts it: colours 0..255, and where it is."""
    view = frontal()
    points = HEAD.landmarks_of(HEAD.vertices)
    low, high = view.target.amin(0), view.target.amax(0)
    scale = (high - low)[0] / (points[:, 0].max() - points[:, 0].min())
    placed = (HEAD.vertices - points.amin(0)) * scale
    placed[:, :2] += low + 0.5
    raster = rasterize(placed[None], HEAD.triangles, (SIZE, SIZE))
    shown = interpolate(raster, HEAD.triangles, colours(HEAD))[0].permute(2, 0, 1)
    return shown * 255, raster.triangle[0] >= 0


@pytest.mark.parametrize("pose", [(0, 0, 0), (-20, 35, 10), (15, -40, -30), (30, 10, 170)])
def test_a_turned_head_is_shown_as_it_really_is(pose: tuple[float, float, float]) -> None:
    mesh = posed(*pose)
    result = frontal().show([photo(mesh)], mesh)[0]
    expected, there = truth()
    valid = result.valid[0]
    assert result.reasons == (None,)
    assert not (valid & ~there).any()
    assert valid.sum() > 0.6 * there.sum()
    gap = (result.images[0].float() - expected).abs()[:, valid]
    assert gap.mean() < 3
    assert gap.quantile(0.99) < 25  # at the silhouette, the picture's own pixels hold the ground
    filled = result.images[0].any(0) & ~valid  # small holes, amid what is seen
    assert filled.sum() < 0.02 * valid.sum()
    assert not (filled & ~there).any()


def test_the_far_side_and_what_the_nose_hides_are_not_valid() -> None:
    mesh = posed(yaw=40)
    front, turned = (
        frontal().show([photo(posed())], posed())[0],
        frontal().show([photo(mesh)], mesh)[0],
    )
    _, there = truth()
    middle = SIZE // 2
    hidden = there & front.valid[0] & ~turned.valid[0]
    # The head is turned to the right of the picture, so its right half is the far one.
    assert hidden[:, middle:].sum() > 20 * hidden[:, :middle].sum()
    nose = hidden[50:80, middle : middle + 20]
    assert nose.any(), "the nose hides part of the cheek behind it"


def test_visibility_agrees_with_rays() -> None:
    """Rays from the middle of each visible pixel's point of the mesh meet nothing on their way."""
    mesh = posed(-10, 40, 0)
    result = frontal().show([photo(mesh)], mesh)[0]
    placed = frontal()
    raster_of = rasterize(
        placed._target[None] + torch.tensor([0.5, 0.5, 0.0]), HEAD.triangles, (SIZE, SIZE)
    )
    points = interpolate(raster_of, HEAD.triangles, mesh[0])[0]
    covered = raster_of.triangle[0] >= 0
    rows = covered.nonzero()[::23]
    hit = _hit(points[rows[:, 0], rows[:, 1]].double(), mesh[0].double())
    seen = result.valid[0][rows[:, 0], rows[:, 1]]
    assert (hit & seen).float().mean() < 0.02
    assert (~hit & ~seen).float().mean() < 0.12  # grazing points are hidden on purpose


def _hit(points: Tensor, mesh: Tensor) -> Tensor:
    """Whether a triangle lies more than two pixels in front of each point, towards -z."""
    a, b, c = (mesh[corner] for corner in HEAD.triangles.unbind(1))
    hits = []
    for point in points:
        u, v, w = b[:, :2] - a[:, :2], c[:, :2] - a[:, :2], point[:2] - a[:, :2]
        area = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
        s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / area
        t = (u[:, 0] * w[:, 1] - u[:, 1] * w[:, 0]) / area
        depth = a[:, 2] + s * (b - a)[:, 2] + t * (c - a)[:, 2]
        hits.append(((s >= 0) & (t >= 0) & (s + t <= 1) & (depth < point[2] - 2)).any())
    return torch.stack(hits)


@given(
    yaw=st.floats(-30, 30), roll=st.floats(-180, 180), eyes=st.floats(30, 200),
    x=st.floats(-50, 400), y=st.floats(-50, 400),
)  # fmt: skip
@settings(max_examples=25)
def test_landmarks_depend_on_the_shape_alone(
    yaw: float, roll: float, eyes: float, x: float, y: float
) -> None:
    view = frontal(max_outside=1.0, min_visible=0.0)
    mesh = posed(5, yaw, roll, eyes, (x, y))
    result = view.show([torch.zeros(3, 300, 300, dtype=torch.uint8)], mesh)[0]
    assert result.reasons == (None,)
    assert torch.allclose(result.landmarks[0], view.target, atol=0.02)
    eyes_apart = (result.landmarks[0, 36] - result.landmarks[0, 45]).norm()
    assert eyes_apart == pytest.approx(float((view.target[36] - view.target[45]).norm()), abs=0.02)


def test_a_wider_face_stays_wider_unless_the_fit_is_affine() -> None:
    own = replace(HEAD, vertices=HEAD.vertices * torch.tensor([1.3, 1.0, 1.0]))
    mesh = meshes(
        own, torch.tensor([[0.0, 20.0, 0.0]]), torch.tensor([90.0]), torch.full((1, 2), 150.0)
    )
    black = torch.zeros(3, 300, 300, dtype=torch.uint8)
    similar = frontal().show([black], mesh)[0].landmarks[0]
    sheared = frontal(fit="affine").show([black], mesh)[0].landmarks[0]
    target = frontal().target
    assert torch.allclose(sheared, target, atol=0.05)
    assert ratio(similar) == pytest.approx(1.3 * ratio(target), rel=0.01)


def ratio(points: Tensor) -> float:
    extent = points.amax(0) - points.amin(0)
    return float(extent[0] / extent[1])


def test_the_affine_fit_agrees_with_least_squares() -> None:
    generator = torch.Generator().manual_seed(1)
    source = torch.randn(2, 40, 3, generator=generator).double() * 50 + 100
    target = torch.randn(40, 3, generator=generator).double()
    for ours, points in zip(affine(source, target), source, strict=True):
        ones = np.hstack([points.numpy(), np.ones((40, 1))])
        theirs = np.linalg.lstsq(ones, target.numpy(), rcond=None)[0]
        assert np.allclose(ours[:3].T.numpy(), theirs, atol=1e-9)


def test_the_similarity_agrees_with_procrustes() -> None:
    generator = torch.Generator().manual_seed(2)
    mesh = posed(10, -25, 12) + 2 * torch.randn(1, len(HEAD.vertices), 3, generator=generator)
    everywhere = replace(HEAD, stable=torch.ones(len(HEAD.vertices)))
    view = FrontalView.of(everywhere, WHOLE, "cpu")
    fit = view._similarities(mesh)[0].double()
    carried = mesh[0].double() @ fit[:3, :3].T + fit[:3, 3]
    _, _, distance = procrustes(view._target.numpy(), mesh[0].numpy())
    spread = (view._target - view._target.mean(0)).square().sum()
    assert float((carried - view._target).square().sum() / spread) == pytest.approx(
        distance, rel=1e-4
    )


def test_views_turn_the_shown_head() -> None:
    mesh = posed(0, 0)
    views = frontal().show([photo(mesh)], mesh, [(0.0, 30.0), (20.0, 0.0), FRONTAL])
    nose = [view.landmarks[0, 30] - view.landmarks[0, [0, 16]].mean(0) for view in views]
    assert nose[0][0] > 10  # a positive yaw turns the face to the right of the picture
    assert nose[1][1] < nose[2][1] - 10  # a positive pitch turns it up


@pytest.mark.parametrize("view", FERA17)
def test_a_head_seen_from_where_it_was_taken_looks_as_it_did(view: tuple[float, float]) -> None:
    mesh = posed(*view)
    taken = photo(mesh)
    result = frontal(margin=0.2).show([taken], mesh, [view])[0]
    back = torch.linalg.inv(result.transforms[0])
    places = (
        (result.valid[0].nonzero().flip(-1).float() @ back[:2, :2].T + back[:2, 2]).round().long()
    )
    source = taken[:, places[:, 1], places[:, 0]].float()
    gap = (source - result.images[0][:, result.valid[0]].float()).abs().mean()
    assert gap < 4


def test_every_view_keeps_the_template_in_the_picture() -> None:
    mesh = posed()
    for view in frontal(min_visible=0.0).show([photo(mesh)], mesh, FERA17):
        middle = (view.landmarks[0].amin(0) + view.landmarks[0].amax(0)) / 2
        frontal_middle = (frontal().target.amin(0) + frontal().target.amax(0)) / 2
        assert torch.allclose(middle, frontal_middle, atol=0.5)


def test_mirroring_fills_what_is_hidden_but_does_not_call_it_seen() -> None:
    mesh = posed(yaw=35)
    black = frontal().show([photo(mesh)], mesh)[0]
    mirrored = frontal(occlusion="mirror").show([photo(mesh)], mesh)[0]
    assert torch.equal(black.valid, mirrored.valid)
    filled = (mirrored.images[0] > 0).any(0) & ~mirrored.valid[0]
    assert filled.sum() > 100
    across = mirrored.images[0].flip(-1)  # the egg's own two sides mirror onto each other
    gap = (across.float() - mirrored.images[0].float()).abs()[:, filled & black.valid[0].flip(-1)]
    assert gap.mean() < 6


def test_mirroring_needs_a_template_that_knows_how() -> None:
    with pytest.raises(ValueError, match="mirror"):
        FrontalView.of(replace(HEAD, mirror=None), FrontalOptions(occlusion="mirror"), "cpu")


def test_bad_rows_have_reasons_and_leave_the_others_alone() -> None:
    small, away = posed(eyes=5.0), posed(0, 88)
    outside, broken = posed(centre=(-90.0, 150.0)), posed() * torch.nan
    point, good = torch.full_like(small, 150.0), posed()
    rows = torch.cat([small, away, outside, broken, point, good, good])
    images = [photo(good)] * len(rows)
    known = [None] * (len(rows) - 1) + [registered.NO_FACE]
    result = frontal(max_outside=0.3).show(images, rows, reasons=known)[0]
    assert result.reasons == (
        registered.TOO_SMALL, TURNED_AWAY, registered.OUTSIDE, registered.NOT_FINITE,
        registered.TOO_SMALL, None, registered.NO_FACE,
    )  # fmt: skip
    assert not result.images[:5].any()
    assert not result.valid[6].any()
    alone = frontal().show([images[0]], good)[0]
    assert torch.equal(result.images[5], alone.images[0])


def test_no_good_row_at_all() -> None:
    empty = frontal().show([photo(posed())], posed() * torch.inf, FERA17)
    assert [view.reasons for view in empty] == [(registered.NOT_FINITE,)] * 9


def test_a_head_half_outside_is_black_there() -> None:
    mesh = posed(centre=(30.0, 150.0))
    result = frontal().show([photo(mesh)], mesh)[0]
    whole = frontal().show([photo(posed())], posed())[0]
    lost = whole.valid[0] & ~result.valid[0]
    assert result.reasons == (None,)
    assert lost[:, : SIZE // 3].sum() > 0.9 * lost.sum()
    assert not result.images[0][:, lost].any()


def test_too_little_of_the_face_is_a_reason_in_that_view_only() -> None:
    mesh = posed(yaw=60)
    view = frontal(min_visible=0.4)
    toward, beyond = view.show([photo(mesh)], mesh, [(0.0, 60.0), (0.0, -75.0)])
    assert toward.reasons == (None,)
    assert beyond.reasons == (HIDDEN,)
    assert not beyond.images.any()


def test_a_large_face_does_not_alias() -> None:
    """Fine stripes of the source must become grey, not other stripes."""
    mesh = posed(eyes=1200.0, centre=(1500.0, 1500.0))
    stripes = torch.zeros(3, 3000, 3000, dtype=torch.uint8)
    stripes[:, ::2] = 200
    shown = frontal().show([stripes], mesh)[0]
    inside = shown.images[0][:, shown.valid[0]].float()
    assert inside.mean() == pytest.approx(100, abs=3)
    assert inside.std() < 10


def test_pictures_of_any_sizes_share_a_batch() -> None:
    poses = [
        posed(0, yaw, 0, eyes, (x, 150.0))
        for yaw, eyes, x in ((20, 60, 150), (-30, 90, 180), (0, 40, 90))
    ]
    images = [photo(mesh, side) for mesh, side in zip(poses, (300, 340, 200), strict=True)]
    together = frontal().show(images, torch.cat(poses))[0]
    for row, (image, mesh) in enumerate(zip(images, poses, strict=True)):
        alone = frontal().show([image], mesh)[0]
        flipped = (alone.images[0].int() - together.images[row].int()).abs() > 1
        assert flipped.float().mean() < 1e-3


def test_the_description_is_json_and_tells_templates_apart() -> None:
    described = frontal().describe()
    assert json.loads(json.dumps(described)) == described
    assert frontal(fit="affine").describe() != described
    assert frontal(margin=0.2).describe() != described
