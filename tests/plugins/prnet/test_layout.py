"""Our layout against the avatars' head, and the public one against files of its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from public_files import write_public_layout
from safetensors import safe_open
from torch import Tensor

from aukit.errors import DataError
from aukit.vision.raster import rasterize
from aukit_avatars.actions import AUS, Face
from aukit_avatars.head import FORMAT, Head
from aukit_prnet.layout import Layout
from aukit_prnet.scripts import build_layout

NOSE_TIP = 30


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


@pytest.fixture(scope="module", params=[64, 128, 256])
def layout(request: pytest.FixtureRequest) -> Layout:
    return Layout.load(request.param)


def test_texels_are_weighted_means_of_three_vertices(layout: Layout, head: Head) -> None:
    assert layout.sources is not None
    assert layout.shares is not None
    vertices = torch.randn(2, len(head.vertices), 3, generator=torch.Generator().manual_seed(0))

    maps = layout.position_maps(vertices)

    assert maps.shape == (2, 3, layout.resolution, layout.resolution)
    assert layout.shares.min() >= -1e-5
    assert torch.allclose(layout.shares.sum(1), torch.ones(len(layout.texels)), atol=1e-5)
    for row in torch.arange(0, len(layout.texels), 997).tolist():
        mean = sum(
            w * vertices[1, v] for w, v in zip(layout.shares[row], layout.sources[row], strict=True)
        )
        r, c = divmod(int(layout.texels[row]), layout.resolution)
        assert torch.allclose(maps[1, :, r, c], torch.as_tensor(mean), atol=1e-5)
    assert not maps[:, :, ~layout.valid].any()


def test_vertices_come_back_from_the_map(layout: Layout, head: Head) -> None:
    maps = layout.position_maps(head.vertices[None])

    found = layout.vertices_of(maps)

    assert found.shape == (1, len(layout.texels), 3)
    row, column = layout.texels // layout.resolution, layout.texels % layout.resolution
    assert torch.equal(found[0], maps[0][:, row, column].T)


def test_the_canonical_face_looks_at_the_camera(layout: Layout) -> None:
    points = layout.template.landmarks_of(layout.canonical)
    left, right, nose, chin = (points[i] for i in (36, 45, NOSE_TIP, 8))

    assert left[0] < 0 < right[0]
    assert left[1] < nose[1] < chin[1]
    assert nose[2] < points[[0, 16, 8, 27], 2].min()
    assert (points[[36, 45, 48, 54], 0].sum().abs() < 0.05).all()


def test_landmarks_are_those_of_the_head(layout: Layout, head: Head) -> None:
    people = torch.randn(3, len(head.vertices), 1) * 0 + head.vertices
    found = layout.template.landmarks_of(layout.vertices_of(layout.position_maps(people)))
    gap = (found - people[:, head.landmarks68]).norm(dim=-1)
    eyes = (head.vertices[head.landmarks68[36]] - head.vertices[head.landmarks68[45]]).norm()

    assert gap.mean() / eyes < {256: 0.005, 128: 0.01, 64: 0.02}[layout.resolution]


def test_the_map_is_symmetric(layout: Layout) -> None:
    mirrored = layout.canonical[layout.mirror] * torch.tensor([-1.0, 1, 1])

    assert torch.equal(layout.valid, layout.valid.flip(1))
    assert torch.equal(layout.mirror[layout.mirror], torch.arange(len(layout.texels)))
    assert (mirrored - layout.canonical).norm(dim=1).mean() < 0.01


def test_triangles_are_the_squares_of_valid_texels(layout: Layout) -> None:
    valid = layout.valid
    squares = valid[:-1, :-1] & valid[1:, :-1] & valid[:-1, 1:] & valid[1:, 1:]
    side = layout.resolution
    place = torch.stack([layout.texels % side, layout.texels // side], 1)[layout.triangles]

    assert len(layout.triangles) == 2 * squares.sum()
    assert ((place.amax(1) - place.amin(1)) == 1).all()
    (ax, ay), (bx, by) = (place[:, i].sub(place[:, 0]).T for i in (1, 2))
    assert (ax * by - ay * bx == -1).all()


def test_the_whole_mesh_is_of_the_published_size() -> None:
    layout = Layout.load()

    assert 40_000 < len(layout.texels) < 55_000
    assert 80_000 < len(layout.triangles) < 110_000


def test_the_face_has_no_holes(layout: Layout) -> None:
    """What is not face hangs together with the border of the map."""
    outside = ~layout.valid
    reached = torch.zeros_like(outside)
    reached[0], reached[-1], reached[:, 0], reached[:, -1] = True, True, True, True
    reached &= outside
    for _ in range(layout.resolution):
        grown = reached.float()[None, None]
        reached = (torch.nn.functional.max_pool2d(grown, 3, 1, 1)[0, 0] > 0) & outside

    assert torch.equal(reached, outside)


def test_an_open_mouth_and_open_eyes_are_covered(head: Head) -> None:
    """From the front no pixel of the face is bare: membranes span the openings."""
    layout = Layout.load(128)
    strength = torch.zeros(1, len(AUS), 2)
    strength[0, [AUS.index("AU26"), AUS.index("AU25"), AUS.index("AU05")]] = 1
    weights = Face(head).weights(torch.zeros(1, len(head.identity_names)), strength)
    shape = layout.vertices_of(layout.position_maps(head.move(head.vertices[None], weights)))
    screen = shape * torch.tensor([8.0, -8, -8]) + torch.tensor([80.0, 80, 100])
    points = layout.template.landmarks_of(screen)[0]
    seen = rasterize(screen, layout.triangles, (160, 160)).mask[0]

    for ring in (range(36, 42), range(42, 48), range(60, 68)):
        x, y = points[list(ring), :2].mean(0).long().tolist()
        assert seen[y, x]
    assert points[66, 1] - points[62, 1] > 8, "the mouth is open"


def test_errors_count_as_published(layout: Layout) -> None:
    weights = layout.weights * 3
    r, c = layout.keypoints // layout.resolution, layout.keypoints % layout.resolution

    assert set(weights.unique().tolist()) == {0.0, 3.0, 4.0, 16.0}
    assert torch.equal(weights > 0, layout.valid)
    assert (weights[r, c] == 16).all()
    share = ((weights == 4).sum() / (weights > 0).sum()).item()
    assert 0.1 < share < 0.3  # of the published mask: 0.24


def test_what_is_stable_is_what_expressions_hardly_move(head: Head) -> None:
    layout = Layout.load(128)
    strength = torch.eye(len(AUS))[:, :, None].expand(-1, -1, 2)
    weights = Face(head).weights(torch.zeros(len(AUS), len(head.identity_names)), strength)
    rest = head.vertices.expand(len(AUS), -1, -1)
    moved = layout.vertices_of(layout.position_maps(head.move(rest, weights) - rest))
    length = moved.norm(dim=-1).mean(0)
    stable = layout.template.stable > 0

    assert 0.2 < stable.float().mean() < 0.6
    assert length[stable].mean() < 0.3 * length[~stable].mean()
    assert not stable[layout.landmarks[48:].flatten()].any()


def test_the_public_layout_is_read_from_its_files(tmp_path: Path) -> None:
    ours, found = Layout.load(256), Layout.public(write_public_layout(tmp_path / "uv-data"))

    assert torch.equal(found.texels, ours.texels)
    assert torch.equal(found.triangles, ours.triangles)
    assert torch.equal(found.keypoints, ours.keypoints)
    assert torch.equal(found.mirror, ours.mirror)
    assert torch.allclose(found.canonical[:, 2], 10 * ours.canonical[:, 2])
    assert found.template.landmarks_of(found.canonical)[NOSE_TIP, 2] < 0
    with pytest.raises(ValueError, match="not made from a mesh"):
        found.position_maps(torch.zeros(1, 5, 3))


def test_a_public_map_that_is_not_quite_symmetric_has_a_mirror(tmp_path: Path) -> None:
    folder = write_public_layout(tmp_path / "uv-data")
    texels = np.loadtxt(folder / "face_ind.txt")
    np.savetxt(folder / "face_ind.txt", texels[1:])
    canonical = np.load(folder / "canonical_vertices.npy")
    np.save(folder / "canonical_vertices.npy", canonical[1:])

    found = Layout.public(folder)

    assert found.mirror.min() >= 0
    turned = found.canonical[found.mirror] * torch.tensor([-1.0, 1, 1])
    assert (turned - found.canonical).norm(dim=1).max() < 20  # millimetres


def _gone(path: Path) -> None:
    path.unlink()


def _words(path: Path) -> None:
    path.write_text("no numbers\n")


def _too_large(path: Path) -> None:
    path.write_text("70000\n")


def _one_row(path: Path) -> None:
    np.savetxt(path, np.arange(68))


def _outside(path: Path) -> None:
    np.savetxt(path, np.zeros((2, 68)))


def _pickled(path: Path) -> None:
    np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)


def _few(path: Path) -> None:
    np.save(path, np.zeros((7, 3)))


def _not_finite(path: Path) -> None:
    np.save(path, np.full((7, 3), np.nan))


@pytest.mark.parametrize(
    ("name", "damage", "told"),
    [
        ("face_ind.txt", _gone, "cannot read"),
        ("face_ind.txt", _words, "does not hold numbers"),
        ("face_ind.txt", _too_large, "does not hold texels"),
        ("uv_kpt_ind.txt", _gone, "cannot read"),
        ("uv_kpt_ind.txt", _one_row, "2 rows of 68"),
        ("uv_kpt_ind.txt", _outside, "texels of the face"),
        ("canonical_vertices.npy", _gone, "cannot read"),
        ("canonical_vertices.npy", _words, "array of numbers"),
        ("canonical_vertices.npy", _pickled, "array of numbers"),
        ("canonical_vertices.npy", _few, "points"),
        ("canonical_vertices.npy", _not_finite, "finite numbers"),
    ],
)
def test_a_missing_or_garbled_public_file_is_one_clear_error(
    tmp_path: Path, name: str, damage: Callable[[Path], None], told: str
) -> None:
    folder = write_public_layout(tmp_path / "uv-data")
    damage(folder / name)

    with pytest.raises(DataError, match=f"{name}.*{told}|{told}.*{name}"):
        Layout.public(folder)


def test_the_packaged_file_is_what_the_script_makes(head: Head) -> None:
    made = build_layout.build(head)
    with safe_open(build_layout.OUTPUT, "np") as stored:
        packaged = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118

    assert made.keys() == packaged.keys()
    for name, value in made.items():
        assert value.dtype == packaged[name].dtype
        assert np.allclose(value, packaged[name], atol=1e-5), name
    assert Layout.load(64).mesh == FORMAT


def test_a_layout_moves_to_a_device_as_a_whole() -> None:
    layout = Layout.load(64)
    moved = layout.to("meta")
    tensors: list[Tensor] = [v for v in vars(moved).values() if isinstance(v, Tensor)]

    assert len(tensors) == 6
    assert all(value.device.type == "meta" for value in tensors)
