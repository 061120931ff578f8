from __future__ import annotations

import json

import numpy as np
import pytest
import skimage.data
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import procrustes
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.errors import PluginError
from aukit.vision.registered import NO_FACE, NOT_FINITE, OUTSIDE, TOO_SMALL, placed
from aukit.vision.warp import apply, invert, place
from aukit_procrustes.align import ProcrustesAligner
from aukit_procrustes.plugin import Options
from aukit_procrustes.template import MIRROR, fit_template, frontal


def faces_at(points: Tensor) -> Faces:
    """One face with the given (68, 2) landmarks."""
    box = torch.cat([points.amin(0), points.amax(0)])[None].float()
    return Faces(box, torch.ones(1), {IBUG68: points[None].float()})


def no_faces() -> Faces:
    return Faces(torch.zeros(0, 4), torch.zeros(0), {IBUG68: torch.zeros(0, 68, 2)})


def face(seed: int, scale: float = 2.0, angle: float = 0.2) -> Tensor:
    """A plausible face: the template, moved, with noise in proportion to its size."""
    generator = torch.Generator().manual_seed(seed)
    shape = frontal() + 0.01 * torch.randn(68, 2, generator=generator, dtype=torch.double)
    size = torch.tensor([scale * 200], dtype=torch.double)
    turn = torch.tensor([angle], dtype=torch.double)
    zero, centre = torch.zeros(1, 2).double(), torch.tensor([260.0, 240.0]).double()
    return apply(place(size, turn, zero, centre), shape[None])[0]


PICTURE = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()


@given(seed=st.integers(0, 999), scale=st.floats(0.3, 3), angle=st.floats(-3.1, 3.1))
@settings(max_examples=25, deadline=None)
def test_residual_is_the_procrustes_distance(seed: int, scale: float, angle: float) -> None:
    points = face(seed, scale, angle)
    aligner = ProcrustesAligner(Options(max_outside=1.0, min_eyes=1.0), Context())
    result = aligner.align([PICTURE], [faces_at(points)])
    target = aligner.target
    _, _, expected = procrustes(target.numpy(), points.float().numpy())
    spread = (target - target.mean(0)).square().sum()
    residual = (result.landmarks[0].double() - target).square().sum() / spread
    assert float(residual) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_transform_carries_landmarks_onto_aligned_landmarks() -> None:
    points = torch.stack([face(seed, 1.0 + seed / 4, seed - 3.0) for seed in range(6)])
    result = ProcrustesAligner(Options(), Context()).align(
        [PICTURE] * 6, [faces_at(each) for each in points]
    )
    assert result.reasons == (None,) * 6
    error = apply(result.transforms, points.float()) - result.landmarks
    assert error.norm(dim=-1).max() < 0.5


def test_pixels_follow_the_transform() -> None:
    # A dot drawn at each landmark of the source must lie at the aligned landmark.
    points = face(1, 3.0, 0.3)
    picture = torch.zeros(3, 512, 512)
    y, x = torch.meshgrid(torch.arange(512.0), torch.arange(512.0), indexing="ij")
    chosen = (8, 19, 24, 36, 45, 33)
    for index in chosen:
        far = (x - points[index, 0]).square() + (y - points[index, 1]).square()
        picture += 255 * torch.exp(-far / 18)
    result = ProcrustesAligner(Options(), Context()).align(
        [picture.clamp(0, 255).to(torch.uint8)], [faces_at(points)]
    )
    grid = torch.stack(torch.meshgrid(torch.arange(224.0), torch.arange(224.0), indexing="xy"), -1)
    for index in chosen:
        near = (grid - result.landmarks[0, index]).norm(dim=-1) < 6
        weight = result.images[0, 0].float() * near
        middle = (grid * weight[..., None]).sum((0, 1)) / weight.sum()
        assert torch.dist(middle, result.landmarks[0, index]) < 0.5


def test_result() -> None:
    images = [PICTURE, PICTURE[:, 40:, :300]]
    rows = [faces_at(face(1, 1.0)), faces_at(face(2, 1.5))]
    result = ProcrustesAligner(Options(size=96), Context()).align(images, rows)
    assert result.images.shape == (2, 3, 96, 96)
    assert result.images.dtype == torch.uint8
    assert result.valid.dtype == torch.bool
    assert (result.images.amax(1)[~result.valid] == 0).all()
    assert result.landmarks.dtype == result.transforms.dtype == torch.float32


def test_valid_marks_what_the_source_shows() -> None:
    points = face(3, 1.0) + torch.tensor([150.0, 0])  # the right half lies beyond the picture
    picture = torch.full((3, 480, 420), 255, dtype=torch.uint8)
    result = ProcrustesAligner(Options(), Context()).align([picture], [faces_at(points)])
    y, x = torch.nonzero(result.valid[0], as_tuple=True)
    back = apply(invert(result.transforms), torch.stack([x, y], -1).float()[None])[0]
    assert back[:, 0].max() <= 420
    assert 0.1 < result.valid.float().mean() < 0.9
    assert torch.equal(result.images[0].amin(0) == 255, result.valid[0])


def test_reasons_and_that_bad_rows_spoil_no_good_ones() -> None:
    good = face(4, 1.0)
    infinite = good.clone()
    infinite[5, 0] = torch.nan
    rows = [good, good * 0.02 + 100, infinite, good + 900, good]
    faces = [faces_at(points) for points in rows]
    faces[4] = no_faces()
    aligner = ProcrustesAligner(Options(), Context())
    result = aligner.align([PICTURE] * 5, faces)
    assert result.reasons == (
        None,
        TOO_SMALL,
        NOT_FINITE,
        OUTSIDE,
        NO_FACE,
    )
    for row in range(1, 5):
        assert not result.images[row].any()
        assert not result.valid[row].any()
        assert not result.transforms[row].any()
    alone = aligner.align([PICTURE], [faces_at(good)])
    assert torch.equal(alone.images[0], result.images[0])
    assert torch.equal(alone.transforms[0], result.transforms[0])


def test_all_rows_bad() -> None:
    result = ProcrustesAligner(Options(), Context()).align([PICTURE] * 2, [no_faces()] * 2)
    assert result.reasons == (NO_FACE,) * 2


def test_foreign_landmarks_are_refused() -> None:
    foreign = Faces(torch.zeros(1, 4), torch.ones(1), {"other-5": torch.zeros(1, 5, 2)})
    with pytest.raises(PluginError, match=r"ibug-68.*other-5"):
        ProcrustesAligner(Options(), Context()).align([PICTURE], [foreign])


def test_stable_points_ignore_the_jaw() -> None:
    closed = face(5, 1.0)
    opened = closed.clone()
    opened[4:13] += torch.tensor([0.0, 30])
    for points, moves in (("all", True), ("stable", False)):
        aligner = ProcrustesAligner(Options(points=points), Context())
        a, b = aligner.align([PICTURE] * 2, [faces_at(closed), faces_at(opened)]).transforms
        assert torch.allclose(a, b) is not moves


def test_description_is_json_and_tells_aligners_apart() -> None:
    one, same, other = (
        json.dumps(ProcrustesAligner(options, Context()).describe())
        for options in (Options(), Options(min_eyes=5), Options(margin=0.2))
    )
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    "bad", [{"size": 8}, {"margin": 0.5}, {"forehead": -0.1}, {"min_eyes": 0}, {"max_outside": 2}]
)
def test_bad_options(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Options(**bad)  # type: ignore[arg-type]


def test_template_lies_where_the_options_say() -> None:
    points = placed(frontal(), 200, 0.1, 0.25)
    low, high = points.amin(0), points.amax(0)
    np.testing.assert_allclose([low[0], high[0], low[1]], [19.5, 179.5, 49.5], atol=1e-6)


def test_template_is_symmetric_upright_and_normal() -> None:
    template = frontal()
    mirrored = template[list(MIRROR)] * torch.tensor([-1.0, 1])
    assert torch.dist(template, mirrored) < 1e-4
    assert float(template.norm()) == pytest.approx(1, abs=1e-4)
    assert template[36, 1] < template[30, 1] < template[57, 1] < template[8, 1]
    assert template[36, 0] < template[39, 0] < 0 < template[42, 0] < template[45, 0]


def test_fit_template_recovers_a_shape_from_its_copies() -> None:
    shapes = torch.stack([face(0, 0.5 + i, i - 2.0) for i in range(5)])
    mean = fit_template(shapes)
    mirrored = shapes[:1, list(MIRROR)] * torch.tensor([-1.0, 1]).double()
    expected = fit_template(torch.cat([shapes[:1], mirrored]))
    torch.testing.assert_close(mean, expected, atol=1e-7, rtol=0)
    for shape in shapes:  # the noise is not symmetric, so a little remains
        assert procrustes(mean.numpy(), shape.numpy())[2] < 0.05


def test_fit_template_averages_noise_away() -> None:
    shapes = torch.stack([face(i, 1.0, 0.1 * i) for i in range(200)])
    assert procrustes(frontal().numpy(), fit_template(shapes).numpy())[2] < 1e-4


def test_fit_template_refuses_what_is_no_face() -> None:
    for bad in (torch.zeros(68, 2), torch.full((3, 68, 2), torch.nan), torch.zeros(2, 5, 2)):
        with pytest.raises(ValueError, match="landmarks"):
            fit_template(bad)
