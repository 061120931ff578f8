"""The rasterizer against a ray caster that shares no idea with it, and its documented rules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aukit.vision import raster as raster_module
from aukit.vision import scan as module
from aukit.vision.raster import (
    Raster,
    covered,
    depth_buffer,
    interpolate,
    rasterize,
    rasterize_fragments,
    visible_vertices,
)

Array = NDArray[np.float64]


@pytest.fixture(autouse=True, scope="module", params=["compiled", "vectorised"])
def _search(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every rule holds for both searches."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "vectorised":
            patch.setattr(raster_module, "loops_for", lambda *_: None)
        yield


def cast_rays(
    origins: Array, directions: Array, corners: Array, slack: float
) -> tuple[Array, Array, Array]:
    """Moller-Trumbore (1997) for every ray and triangle.

    Returns the distance (R, T, inf where missed), the weights (R, T, 3) and whether the ray passes
    within `slack` (in barycentric weight) of a border, where rounding may decide either way.
    """
    edge1, edge2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(directions[:, None], edge2[None])
    determinant = np.einsum("tc,rtc->rt", edge1, across)
    offset = origins[:, None] - corners[None, :, 0]
    turned = np.cross(offset, edge1[None])
    with np.errstate(divide="ignore", invalid="ignore"):
        u = np.einsum("rtc,rtc->rt", offset, across) / determinant
        v = np.einsum("rc,rtc->rt", directions, turned) / determinant
        distance = np.einsum("tc,rtc->rt", edge2, turned) / determinant
    weights = np.stack([1 - u - v, u, v], axis=-1)
    hit = (weights >= 0).all(-1) & np.isfinite(distance)
    border = (weights > -slack).all(-1) & (np.abs(weights) < slack).any(-1)
    return np.where(hit, distance, np.inf), weights, border | ~np.isfinite(distance)


def pixel_centres(size: tuple[int, int]) -> Array:
    rows, columns = np.mgrid[: size[0], : size[1]] + 0.5
    return np.stack([columns.ravel(), rows.ravel()], axis=-1)


def soup(seed: int, count: int, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """Random triangles that overlap, cross the border of the image and lie behind each other."""
    random = np.random.default_rng(seed)
    centre = random.uniform(-0.2, 1.2, (count, 1, 2)) * [size[1], size[0]]
    points = centre + random.normal(0, 0.25 * max(size), (count, 3, 2))
    depth = random.uniform(2, 9, (count, 3, 1))
    vertices = np.concatenate([points, depth], axis=-1).reshape(-1, 3)
    return torch.tensor(vertices, dtype=torch.float32)[None], torch.arange(3 * count).view(-1, 3)


def assert_matches_rays(result: Raster, distance: Array, weights: Array, border: Array) -> None:
    """Same triangle, depth and weights wherever the ray caster itself is not on an edge or tie."""
    best = distance.argmin(1)
    rays = np.arange(len(best))
    nearest = distance[rays, best]
    second = np.partition(distance, 1, axis=1)[:, 1] if distance.shape[1] > 1 else nearest + 1
    tie = np.isfinite(nearest) & np.isclose(nearest, second, rtol=1e-4)
    sure = ~border.any(1) & ~tie
    expected = np.where(np.isfinite(nearest), best, -1)
    assert sure.mean() > 0.5
    np.testing.assert_array_equal(result.triangle.flatten().numpy()[sure], expected[sure])
    hit = sure & (expected >= 0)
    np.testing.assert_allclose(result.depth.flatten().numpy()[hit], nearest[hit], rtol=2e-3)
    found = result.barycentric.view(-1, 3).numpy()[hit]
    np.testing.assert_allclose(found, weights[rays, best][hit], atol=2e-3)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 25),
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
)
def test_orthographic_matches_ray_caster(seed: int, count: int, size: tuple[int, int]) -> None:
    vertices, triangles = soup(seed, count, size)
    origins = np.concatenate([pixel_centres(size), np.zeros((size[0] * size[1], 1))], axis=1)
    corners = vertices[0].double().numpy()[triangles.numpy()]
    rays = cast_rays(origins, np.tile([0.0, 0, 1], (len(origins), 1)), corners, slack=1e-3)
    if (~rays[2].any(1)).mean() > 0.5:
        assert_matches_rays(rasterize(vertices, triangles, size), *rays)


@pytest.mark.parametrize("seed", range(8))
def test_perspective_matches_ray_caster_through_pinhole(seed: int) -> None:
    size, focal = (48, 36), 30.0
    random = np.random.default_rng(seed)
    corners = random.uniform([-3, -3, 2], [3, 3, 9], (12, 3, 3))
    centre = np.array([size[1], size[0]]) / 2
    screen = corners[..., :2] / corners[..., 2:] * focal + centre
    vertices = torch.tensor(np.concatenate([screen, corners[..., 2:]], -1), dtype=torch.float32)
    pixels = pixel_centres(size)
    directions = np.concatenate([(pixels - centre) / focal, np.ones((len(pixels), 1))], axis=1)
    rays = cast_rays(np.zeros_like(directions), directions, corners, slack=1e-3)
    triangles = torch.arange(36).view(-1, 3)
    assert_matches_rays(
        rasterize(vertices.view(1, -1, 3), triangles, size, perspective=True), *rays
    )


def grid(columns: int, rows: int, size: tuple[int, int]) -> tuple[torch.Tensor, torch.Tensor]:
    """A sheet of triangles that tiles more than the image, with crooked vertices."""
    random = np.random.default_rng(0)
    x = np.linspace(-3, size[1] + 3, columns)
    y = np.linspace(-3, size[0] + 3, rows)
    points = np.stack(np.meshgrid(x, y), axis=-1)
    points[1:-1, 1:-1] += random.uniform(-0.3, 0.3, (rows - 2, columns - 2, 2)) * (x[1] - x[0])
    number = np.arange(columns * rows).reshape(rows, columns)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    triangles = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)]).reshape(-1, 3)
    vertices = np.concatenate([points.reshape(-1, 2), np.ones((columns * rows, 1))], axis=1)
    return torch.tensor(vertices, dtype=torch.float32)[None], torch.tensor(triangles)


@pytest.mark.parametrize("columns", [2, 5, 30, 120])
def test_closed_sheet_has_no_cracks(columns: int) -> None:
    size = (61, 67)
    vertices, triangles = grid(columns, columns + 3, size)
    assert rasterize(vertices, triangles, size).mask.all()
    centred = (vertices * 2).round() / 2  # vertices and edges exactly on pixel centres
    assert rasterize(centred, triangles, size).mask.all()


def test_pixel_centres_are_at_half_and_borders_are_inside() -> None:
    square = torch.tensor([[1.5, 0.5, 1.0], [3.5, 0.5, 1.0], [1.5, 2.5, 1.0], [3.5, 2.5, 1.0]])
    triangles = torch.tensor([[0, 2, 1], [1, 2, 3]])
    mask = rasterize(square[None], triangles, (4, 5)).mask[0]
    expected = torch.zeros(4, 5, dtype=torch.bool)
    expected[0:3, 1:4] = True
    assert torch.equal(mask, expected)


def test_equal_depths_go_to_the_lower_number() -> None:
    corners = torch.tensor([[0.0, 0.0, 1.0], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]])
    triangles = torch.tensor([[0, 1, 2], [2, 1, 0]])
    assert rasterize(corners[None], triangles, (3, 3)).triangle.max() == 0


def test_negative_depths_are_ordered() -> None:
    flat = torch.tensor([[-9.0, -9.0], [40.0, -9.0], [-9.0, 40.0]])
    depths = [3.0, -0.5, -2.0, 0.0]
    layers = [torch.cat([flat, torch.full((3, 1), depth)], 1) for depth in depths]
    result = rasterize(torch.cat(layers)[None], torch.arange(12).view(4, 3), (5, 5))
    assert (result.triangle == 2).all()
    assert torch.allclose(result.depth, torch.tensor(-2.0))


def test_cull_back_keeps_counter_clockwise_on_screen() -> None:
    corners = torch.tensor([[0.0, 0.0, 1.0], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]])
    clockwise, counter = torch.tensor([[0, 1, 2]]), torch.tensor([[0, 2, 1]])
    assert not rasterize(corners[None], clockwise, (4, 4), cull_back=True).mask.any()
    assert rasterize(corners[None], counter, (4, 4), cull_back=True).mask.all()


@pytest.mark.parametrize(
    "corners",
    [
        [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]],
        [[0.5, 0.5, 1.0], [3.5, 0.5, 1.0], [6.5, 0.5, 1.0]],
        [[-9.0, 0.0, 1.0], [-2.0, 0.0, 1.0], [-2.0, 9.0, 1.0]],
        [[float("nan"), 0.0, 1.0], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]],
        [[float("inf"), 0.0, 1.0], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]],
        [[0.0, 0.0, float("nan")], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]],
    ],
    ids=["point", "line", "off-screen", "nan", "infinite", "nan-depth"],
)
def test_what_cannot_be_drawn_leaves_no_trace(corners: list[list[float]]) -> None:
    result = rasterize(torch.tensor(corners)[None], torch.tensor([[0, 1, 2]]), (6, 6))
    assert not result.mask.any()
    assert (result.barycentric == 0).all()
    assert torch.isinf(result.depth).all()


def test_behind_the_camera_is_dropped_in_perspective() -> None:
    corners = torch.tensor([[0.0, 0.0, -1.0], [9.0, 0.0, 1.0], [0.0, 9.0, 1.0]])
    triangles = torch.tensor([[0, 1, 2]])
    assert rasterize(corners[None], triangles, (4, 4)).mask.all()
    assert not rasterize(corners[None], triangles, (4, 4), perspective=True).mask.any()


def test_empty_mesh_and_empty_batch() -> None:
    none = torch.zeros(0, 3, dtype=torch.int64)
    assert rasterize(torch.zeros(2, 5, 3), none, (3, 4)).triangle.shape == (2, 3, 4)
    assert rasterize(torch.zeros(0, 3, 3), torch.tensor([[0, 1, 2]]), (3, 4)).mask.numel() == 0


@pytest.mark.parametrize("at_once", [1, 50, 10**9])
def test_chunks_and_batch_change_nothing(monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    size = (30, 20)
    pairs = [soup(seed, 15, size) for seed in range(3)]
    vertices, triangles = torch.cat([v for v, _ in pairs]), pairs[0][1]
    together = rasterize(vertices, triangles, size)
    monkeypatch.setattr(module, "PIXELS_AT_ONCE", at_once)
    for sample in range(3):
        alone = rasterize(vertices[sample : sample + 1], triangles, size)
        assert torch.equal(alone.triangle[0], together.triangle[sample])
        assert torch.equal(alone.barycentric[0], together.barycentric[sample])
        assert torch.equal(alone.depth[0], together.depth[sample])


def test_fragments_are_the_covered_pixels_of_the_raster() -> None:
    vertices, triangles = soup(5, 9, (16, 16))
    direct = rasterize_fragments(vertices, triangles, (16, 16))
    listed = covered(rasterize(vertices, triangles, (16, 16)))
    for name in ("pixel", "sample", "triangle", "weights", "depth"):
        assert torch.equal(getattr(direct, name), getattr(listed, name)), name


@pytest.mark.parametrize("away", [0.0, -100.0])
@pytest.mark.parametrize("seed", range(4))
def test_the_depth_buffer_holds_the_depth_of_the_raster(seed: int, away: float) -> None:
    vertices, triangles = soup(seed, 12, (25, 31))
    vertices = torch.cat([vertices, vertices.flip(1)]) + torch.tensor([0.0, 0.0, away])
    depth = depth_buffer(vertices, triangles, (25, 31))
    raster = rasterize(vertices, triangles, (25, 31))
    assert torch.equal(depth.isfinite(), raster.mask)
    torch.testing.assert_close(depth, raster.depth, rtol=1e-4, atol=1e-4)
    assert depth_buffer(vertices[:0], triangles, (3, 4)).shape == (0, 3, 4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_interpolation_reproduces_position(seed: int) -> None:
    """An attribute that is the screen position must come back as the pixel centre."""
    size = (24, 31)
    vertices, triangles = soup(seed, 10, size)
    result = rasterize(vertices, triangles, size)
    position = interpolate(result, triangles, vertices[..., :2])
    centres = torch.tensor(pixel_centres(size), dtype=torch.float32).view(*size, 2)
    assert torch.allclose(position[result.mask], centres[result.mask[0]], atol=2e-2)
    assert (position[~result.mask] == 0).all()
    shared = interpolate(result, triangles, vertices[0, :, :2])
    assert torch.equal(shared, position)


def test_visible_vertices_of_a_sphere() -> None:
    """The near half of a sphere is seen, the far half is not, and a screen hides what is behind.

    A ring of three pixels at the silhouette is left out: a pixel there may show the background.
    """
    skimage = pytest.importorskip("skimage.measure")
    x, y, z = np.mgrid[-1.2:1.2:24j, -1.2:1.2:24j, -1.2:1.2:24j]
    points, faces, _, _ = skimage.marching_cubes(x**2 + y**2 + z**2, 1.0)
    points = points / 23 * 2.4 - 1.2
    screen = np.concatenate([points[:, :2] * 40 + 50, points[:, 2:]], axis=1)
    cover = np.array([[0, 0, -5], [50, 0, -5], [0, 100, -5], [50, 100, -5]], dtype=float)
    number = len(screen)
    screen_faces = number + np.array([[0, 1, 2], [3, 2, 1]])
    faces = np.concatenate([faces, screen_faces])
    vertices = torch.tensor(np.concatenate([screen, cover]), dtype=torch.float32)[None]
    triangles = torch.tensor(faces.astype(np.int64))
    result = rasterize(vertices, triangles, (100, 100))
    seen = visible_vertices(vertices, triangles, result, tolerance=0.02)[0, :number].numpy()
    free = points[:, 0] > 0.05
    assert seen[free & (points[:, 2] < -0.4)].all()
    assert not seen[free & (points[:, 2] > 0.4)].any()
    assert not seen[points[:, 0] < -0.05].any()


@pytest.mark.parametrize(
    ("vertices", "triangles", "size"),
    [
        (torch.zeros(3, 3), torch.zeros(1, 3, dtype=torch.int64), (4, 4)),
        (torch.zeros(1, 3, 3), torch.zeros(1, 3), (4, 4)),
        (torch.zeros(1, 3, 3), torch.zeros(1, 3, dtype=torch.int64), (0, 4)),
    ],
)
def test_wrong_arguments(
    vertices: torch.Tensor, triangles: torch.Tensor, size: tuple[int, int]
) -> None:
    with pytest.raises(ValueError, match="must be"):
        rasterize(vertices, triangles, size)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_agrees_with_cpu() -> None:
    vertices, triangles = soup(3, 40, (64, 64))
    here = rasterize(vertices, triangles, (64, 64))
    there = rasterize(vertices.to("cuda"), triangles.to("cuda"), (64, 64))
    assert (here.triangle == there.triangle.cpu()).float().mean() > 0.999
