from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.transform
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy.spatial import procrustes

from aukit.vision.warp import apply, compose, inside, invert, place, similarity, warp

GOLDEN = Path(__file__).parent / "golden"


def points(dimension: int) -> st.SearchStrategy[np.ndarray]:
    return arrays(np.float64, (9, dimension), elements=st.floats(-100, 100, width=32)).filter(
        lambda p: np.linalg.matrix_rank(p - p.mean(0), tol=1.0) == dimension
    )


def rotation(angle: float, axis: int, dimension: int) -> np.ndarray:
    matrix = np.eye(dimension)
    i, j = axis % dimension, (axis + 1) % dimension
    matrix[i, i] = matrix[j, j] = math.cos(angle)
    matrix[i, j], matrix[j, i] = -math.sin(angle), math.sin(angle)
    return matrix


@pytest.mark.parametrize("dimension", [2, 3])
@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_similarity_agrees_with_scikit_image(dimension: int, data: st.DataObject) -> None:
    source, target = data.draw(points(dimension)), data.draw(points(dimension))
    expected = skimage.transform.SimilarityTransform.from_estimate(source, target).params
    covariance = (target - target.mean(0)).T @ (source - source.mean(0))
    singular = np.linalg.svd(covariance, compute_uv=False)
    if singular[-2] + math.copysign(singular[-1], np.linalg.det(covariance)) < 1.0:
        return  # every rotation fits equally well: there is no unique answer to agree on
    found = similarity(torch.from_numpy(source), torch.from_numpy(target)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@given(source=points(2), target=points(2))
@settings(max_examples=50, deadline=None)
def test_residual_agrees_with_scipy(source: np.ndarray, target: np.ndarray) -> None:
    # SciPy allows reflections, so its residual is a lower bound, and equal for proper rotations.
    x, y = torch.from_numpy(source), torch.from_numpy(target)
    residual = (apply(similarity(x, y), x) - y).square().sum() / (y - y.mean(0)).square().sum()
    _, _, best = procrustes(target, source)
    assert residual >= best - 1e-9
    covariance = (target - target.mean(0)).T @ (source - source.mean(0))
    if np.linalg.det(covariance) > 0:
        assert residual == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("dimension", [2, 3])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_similarity_recovers_what_was_done(dimension: int, data: st.DataObject) -> None:
    source = data.draw(points(dimension))
    scale, angle = data.draw(st.floats(0.1, 10)), data.draw(st.floats(-math.pi, math.pi))
    linear = scale * rotation(angle, data.draw(st.integers(0, 2)), dimension)
    shift = data.draw(arrays(np.float64, dimension, elements=st.floats(-50, 50)))
    target = source @ linear.T + shift
    found = similarity(torch.from_numpy(source), torch.from_numpy(target)).numpy()
    np.testing.assert_allclose(found[:-1, :-1], linear, atol=1e-6)
    np.testing.assert_allclose(found[:-1, -1], shift, atol=1e-4)


@pytest.mark.parametrize("dimension", [2, 3])
def test_weights_count_like_repeated_points(dimension: int) -> None:
    torch.manual_seed(0)
    x, y = torch.randn(2, 6, dimension, dtype=torch.double)
    weights = torch.tensor([1.0, 2, 0, 1, 3, 1], dtype=torch.double)
    repeats = weights.long()
    expected = similarity(x.repeat_interleave(repeats, 0), y.repeat_interleave(repeats, 0))
    x[2] = torch.nan  # of weight 0
    torch.testing.assert_close(similarity(x, y, weights), expected)


@pytest.mark.parametrize("dimension", [2, 3])
def test_gradient(dimension: int) -> None:
    torch.manual_seed(1)
    x, y = (torch.randn(2, 5, dimension, dtype=torch.double, requires_grad=True) for _ in "xy")
    weights = torch.rand(2, 5, dtype=torch.double).add(0.1).requires_grad_()
    assert torch.autograd.gradcheck(similarity, (x, y, weights))


def test_gradient_is_finite_at_a_perfect_fit() -> None:
    x = torch.randn(5, 2, dtype=torch.double, requires_grad=True)
    similarity(x, x.detach()).sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()


def test_coinciding_points_are_not_finite() -> None:
    assert not similarity(torch.ones(4, 2), torch.randn(4, 2)).isfinite().all()


def test_group() -> None:
    torch.manual_seed(2)
    first, second = (similarity(torch.randn(3, 6, 2), torch.randn(3, 6, 2)) for _ in range(2))
    x = torch.randn(3, 4, 2)
    both = compose(first, second)
    torch.testing.assert_close(apply(both, x), apply(second, apply(first, x)))
    torch.testing.assert_close(apply(invert(first), apply(first, x)), x, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(apply(compose(first, invert(first)), x), x, atol=1e-4, rtol=1e-4)


def test_place() -> None:
    centre, to = torch.tensor([[10.0, 20]]), torch.tensor([5.0, 5])
    transform = place(torch.tensor([2.0]), torch.tensor([math.pi / 2]), centre, to)
    # One pixel to the right of the centre ends up two pixels below the target: clockwise.
    torch.testing.assert_close(
        apply(transform, centre + torch.tensor([1.0, 0]))[0, 0], to + 2 * torch.tensor([0.0, 1])
    )


def photo() -> torch.Tensor:
    return torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()


@given(
    scale=st.floats(0.55, 3), angle=st.floats(-3, 3), x=st.floats(150, 350), y=st.floats(150, 350)
)
@settings(max_examples=15, deadline=None)
def test_warp_agrees_with_scikit_image(scale: float, angle: float, x: float, y: float) -> None:
    image, size = photo(), 64
    transform = place(
        torch.tensor([scale], dtype=torch.double),
        torch.tensor([angle], dtype=torch.double),
        torch.tensor([[x, y]], dtype=torch.double),
        torch.tensor([size / 2, size / 2], dtype=torch.double),
    )
    expected = skimage.transform.warp(
        image.permute(1, 2, 0).double().numpy(),
        np.linalg.inv(transform[0].numpy()),
        output_shape=(size, size),
        order=1,
    )
    found = warp([image], transform, size)[0].permute(1, 2, 0).double().numpy()
    assert np.abs(found - expected).max() <= 0.75  # rounding to whole levels, and float32


def test_identity_is_exact() -> None:
    image = photo()[:, 100:164, 100:164].contiguous()
    assert torch.equal(warp([image], torch.eye(3)[None], 64)[0], image)


def test_shrinking_does_not_alias() -> None:
    # Stripes of one pixel are grey from afar; plain bilinear sampling would show black or white.
    stripes = (torch.arange(512) % 2 * 255).to(torch.uint8).expand(3, 512, 512).contiguous()
    transform = torch.diag(torch.tensor([1 / 8, 1 / 8, 1.0]))[None]
    small = warp([stripes], transform, 64, border="replicate")[0, 0, 4:-4, 4:-4].float()
    assert (small - 127.5).abs().max() < 2


@pytest.mark.parametrize("factor", [2, 3, 5, 8])
def test_shrinking_keeps_places(factor: int) -> None:
    # A ramp stays the same ramp at any scale: block averages are put where they belong.
    ramp = torch.arange(400, dtype=torch.float32).expand(1, 400, 400)
    transform = torch.diag(torch.tensor([1 / factor, 1 / factor, 1.0]))[None]
    transform[0, :2, 2] = torch.tensor([-3.3, 1.7])
    small = warp([ramp], transform, 40)[0, 0]
    expected = apply(invert(transform), torch.arange(40.0)[:, None].expand(40, 2))[0, :, 0]
    middle = slice(5, 40)
    torch.testing.assert_close(small[20, middle], expected[middle], atol=1e-2, rtol=0)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
def test_a_row_is_the_same_in_any_batch(dtype: torch.dtype) -> None:
    image = photo().to(dtype)
    thin = torch.full((3, 2, 900), 7, dtype=dtype)
    images = [image, image[:, :300, 50:400], image[:, ::2, ::2], thin, image]
    scale = torch.tensor([0.1, 0.9, 2.5, 0.3, 0.77])
    centre, to = torch.rand(5, 2) * 300, torch.tensor([48.0, 48.0])
    transforms = place(scale, torch.linspace(-1, 2, 5), centre, to)
    together = warp(images, transforms, 96)
    for row, image in enumerate(images):
        assert torch.equal(together[row], warp([image], transforms[row : row + 1], 96)[0])


@pytest.mark.parametrize("dimension", [2, 3])
def test_a_similarity_is_the_same_in_any_batch(dimension: int) -> None:
    x, y = torch.randn(2, 64, 68, dimension, dtype=torch.double)
    together = similarity(x, y)
    carried = apply(together, x)
    for row in range(64):
        assert torch.equal(similarity(x[row : row + 1], y[row : row + 1])[0], together[row])
        assert torch.equal(apply(together[row : row + 1], x[row : row + 1])[0], carried[row])


def test_borders() -> None:
    image = torch.full((3, 10, 10), 200, dtype=torch.uint8)
    transform = torch.eye(3)[None].clone()
    transform[0, 0, 2] = 5
    zeros = warp([image], transform, 20)[0, 0]
    mask = inside([(10, 10)], transform, 20)[0]
    expected = torch.zeros(20, 20, dtype=torch.bool)
    expected[:10, 5:15] = True
    assert torch.equal(mask, expected)
    assert torch.equal(zeros > 0, expected)
    assert (zeros[expected] == 200).all()  # the border does not darken the edge
    assert (warp([image], transform, 20, border="replicate") == 200).all()


def test_picture_out_of_sight() -> None:
    image = torch.full((3, 10, 10), 200, dtype=torch.uint8)
    for x, y in ((500, 0), (-500, 0), (0, 500), (-500, -500)):
        transform = torch.eye(3)[None].clone()
        transform[0, :2, 2] = torch.tensor([x, y])
        assert not warp([image], transform, 20).any()


def test_float_pictures_stay_float() -> None:
    image = torch.rand(1, 30, 30, dtype=torch.float64)
    out = warp([image], torch.eye(3, dtype=torch.float64)[None], 30)
    assert out.dtype == torch.float64
    torch.testing.assert_close(out[0], image)


@pytest.mark.parametrize("name", ["turned", "shrunk", "enlarged"])
def test_golden(name: str) -> None:
    scale, angle = {"turned": (1.0, 0.5), "shrunk": (0.21, -0.2), "enlarged": (2.5, 0.1)}[name]
    transform = place(
        torch.tensor([scale]),
        torch.tensor([angle]),
        torch.tensor([[223.0, 125.0]]),
        torch.tensor([48.0, 48.0]),
    )
    found = warp([photo()], transform, 96)[0].permute(1, 2, 0).numpy().astype(int)
    with Image.open(GOLDEN / f"{name}.png") as golden:
        assert np.abs(found - np.asarray(golden).astype(int)).max() <= 2
