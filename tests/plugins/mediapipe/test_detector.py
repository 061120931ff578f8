"""The parts of the detector that need no network."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from aukit_mediapipe import detector
from aukit_mediapipe.schemes import to_68


def test_anchors() -> None:
    anchors = detector._anchors()
    assert anchors.shape == (896, 2)
    assert len(np.unique(anchors[:512], axis=0)) == 256  # 16 x 16 cells, two anchors each
    assert len(np.unique(anchors[512:], axis=0)) == 64  # 8 x 8 cells, six anchors each
    np.testing.assert_allclose(anchors[0], 0.5 / 16)
    np.testing.assert_allclose(anchors[2], [1.5 / 16, 0.5 / 16])
    np.testing.assert_allclose(anchors[-1], 7.5 / 8)


def test_candidates_of_one_face_are_blended_by_score() -> None:
    rows = np.zeros((3, 17), np.float32)
    rows[:, :4] = [[0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]]
    rows[:, 16] = [0.9, 0.6, 0.7]
    found = detector._merge(rows)
    np.testing.assert_allclose(found.boxes, [[0.8, 0, 10.8, 10], [50, 50, 60, 60]], rtol=1e-6)
    np.testing.assert_allclose(found.scores, [0.9, 0.7])


@pytest.mark.parametrize(("height", "width"), [(100, 100), (480, 640), (50, 3000), (3000, 40)])
@pytest.mark.parametrize("parts", [0.5, 1, 2, 3, 5])
def test_views_cover_the_picture_and_overlap(height: int, width: int, parts: float) -> None:
    views = list(detector._views(0, height, width, parts))
    side = max(height, width) / parts
    assert all(view.side == side for view in views)
    for axis, length in (("x", width), ("y", height)):
        starts = sorted({getattr(view, axis) for view in views})
        assert starts[0] <= 0
        assert starts[-1] + side >= length - 1e-6
        assert all(b - a <= side / 2 + 1e-6 for a, b in pairwise(starts))


def test_faces_cut_by_a_part_are_left_to_its_neighbour() -> None:
    view = detector._View(0, 100.0, 0.0, 100.0)
    rows = np.zeros((4, 17), np.float32)
    rows[:, :4] = [
        [101, 20, 150, 70],  # at the inner left edge
        [120, -5, 170, 40],  # at the top, which is the picture's own edge
        [150, 30, 200, 80],  # at the right, which is the picture's own edge
        [120, 70, 160, 99.5],  # at the inner lower edge
    ]
    kept = detector._whole(rows, view, (400, 200))
    np.testing.assert_array_equal(kept, rows[1:3])


def test_68_points_are_sums_of_mesh_points() -> None:
    mesh = torch.rand(2, 478, 3)
    points = to_68(mesh)
    assert points.shape == (2, 68, 2)
    torch.testing.assert_close(points[:, 36], mesh[:, 33, :2])  # right eye, outer corner
    torch.testing.assert_close(points[:, 45], mesh[:, 263, :2])
    torch.testing.assert_close(points[:, 57], mesh[:, 17, :2])  # lower lip
    shifted = to_68(mesh + 5)
    torch.testing.assert_close(shifted, points + 5)  # weights sum to one
