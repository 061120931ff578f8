"""The head's data file and the linear model that it holds."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from aukit.errors import DataError
from aukit_avatars.head import DATA, Head, mix


@pytest.fixture(scope="module")
def head() -> Head:
    return Head.load()


def test_the_arrays_fit_together(head: Head) -> None:
    count = len(head.vertices)
    assert head.triangles.min() == 0
    assert head.triangles.max() == count - 1
    assert head.triangle_uv.max() == len(head.uv) - 1
    assert head.triangles.shape == head.triangle_uv.shape
    assert head.triangle_part.max() == len(head.parts) - 1
    assert head.identity_basis.shape == (len(head.identity_names), 3 * count)
    assert head.action_basis.shape == (len(head.action_names), 3 * count)
    assert len(set(head.landmarks68.tolist())) == 68


def test_axes_and_unit_are_as_documented(head: Head) -> None:
    eyes = head.vertices[head.triangles[head.part("eye_left")].flatten()]
    assert eyes[:, 0].mean() == pytest.approx(3.1, abs=0.3)
    nose_tip, chin, bridge = (head.vertices[head.landmarks68[k]] for k in (30, 8, 27))
    assert chin[1] < nose_tip[1] < bridge[1]
    assert nose_tip[2] == head.vertices[head.landmarks68][:, 2].max()


def test_surfaces_face_outwards(head: Head) -> None:
    skin = head.triangles[head.part("skin")]
    a, b, c = (head.vertices[skin[:, k]] for k in range(3))
    volume = (torch.cross(a, b, dim=1) * c).sum() / 6
    assert volume > 1000  # cubic centimetres; negative if the triangles ran clockwise


def test_the_left_landmarks_mirror_the_right(head: Head) -> None:
    points = head.vertices[head.landmarks68]
    pairs = [(k, 16 - k) for k in range(8)] + [(k, 43 - k) for k in range(17, 22)]
    pairs += [(36, 45), (37, 44), (39, 42), (40, 47), (48, 54), (50, 52), (59, 55), (60, 64)]
    for right, left in pairs:
        mirrored = points[left] * torch.tensor([-1.0, 1.0, 1.0])
        assert torch.allclose(points[right], mirrored, atol=0.02)


def test_the_uv_map_of_the_face_does_not_fold(head: Head) -> None:
    corners = head.uv[head.triangle_uv[head.part("skin", "lips", "ear")]]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    assert (area < 0).all()  # v runs down, so what is counter-clockwise outside is negative here
    assert head.uv.min() >= 0
    assert head.uv.max() <= 1


def test_nothing_added_leaves_the_mean(head: Head) -> None:
    neutral = head.neutral(torch.zeros(2, len(head.identity_names)))
    moved = head.move(neutral, torch.zeros(2, len(head.action_names)))
    assert torch.equal(moved, head.vertices.expand(2, -1, -1))


def test_a_weighted_sum_does_not_depend_on_the_batch() -> None:
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(17, 40, generator=generator)
    rows = torch.randn(40, 300, generator=generator)
    together = mix(weights, rows)
    assert torch.allclose(together, weights @ rows, atol=1e-4)
    alone = torch.cat([mix(weights[k : k + 1], rows) for k in range(17)])
    assert torch.equal(together, alone)


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot read the head file"):
        Head.load(tmp_path / "none.safetensors")


def test_a_cut_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "cut.safetensors"
    path.write_bytes(DATA.read_bytes()[:100_000])
    with pytest.raises(DataError, match="cannot read the head file"):
        Head.load(path)


def test_a_changed_byte_is_found(tmp_path: Path) -> None:
    content = bytearray(DATA.read_bytes())
    content[-1000] ^= 1
    path = tmp_path / "changed.safetensors"
    path.write_bytes(content)
    with pytest.raises(DataError, match="damaged"):
        Head.load(path)


def test_another_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"x": torch.zeros(1)}, path)
    with pytest.raises(DataError, match="not a head file"):
        Head.load(path)


def test_the_file_is_the_one_that_its_provenance_names() -> None:
    text = (DATA.parent / "README.md").read_text()
    assert hashlib.sha256(DATA.read_bytes()).hexdigest() in text
    assert "CC0" in text
