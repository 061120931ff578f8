"""dlib's landmarker, with a shape predictor that the test trains on a few avatars."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68
from aukit.errors import DataError, MissingWeights
from aukit.registry.loading import Registry
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig
from aukit_dlib.plugin import DlibOptions

SIZE = 160


def test_the_component_says_what_it_needs() -> None:
    component = Registry().find("landmarker", "dlib")
    assert "pip install dlib-bin" in component.install_hint
    assert "commercial" in component.weights_licence


def pictures() -> tuple[list[Tensor], list[Tensor]]:
    """Avatars, and their true points."""
    options = AvatarsConfig(version=1, train=6, valid=0, test=1, tasks=2, frames=1, size=SIZE)
    avatars = Avatars(options, Context())
    images, points = [], []
    for frames in avatars.read(avatars.index()):
        assert frames.faces is not None
        images += [image for image in frames.images if image is not None]
        points += [faces.landmarks[IBUG68][0] for faces in frames.faces]
    return images, points


def test_points_are_found_where_they_are(tmp_path: Path) -> None:
    dlib = pytest.importorskip("dlib")
    from aukit_dlib.landmarker import DlibLandmarker

    images, points = pictures()
    arrays = [image.permute(1, 2, 0).contiguous().numpy() for image in images]
    truth = []
    for shape in points:
        (x0, y0), (x1, y1) = shape.amin(0).tolist(), shape.amax(0).tolist()
        box = dlib.rectangle(int(x0), int(y0), int(x1), int(y1))
        parts = [dlib.point(round(x), round(y)) for x, y in shape.tolist()]
        truth.append([dlib.full_object_detection(box, parts)])
    options = dlib.shape_predictor_training_options()
    options.oversampling_amount, options.tree_depth, options.cascade_depth = 20, 3, 4
    options.num_trees_per_cascade_level, options.num_threads = 30, 1
    dlib.train_shape_predictor(arrays, truth, options).save(str(tmp_path / "points.dat"))
    config = DlibOptions(str(tmp_path / "points.dat"))
    landmarker = DlibLandmarker(config, Context(weights=Path))
    found = landmarker.detect([*images, torch.zeros(3, SIZE, SIZE, dtype=torch.uint8)])
    assert len(found[-1]) == 0
    seen = [(faces, true) for faces, true in zip(found[:-1], points, strict=True) if len(faces)]
    assert len(seen) > len(images) // 2
    for faces, true in seen:
        assert faces.landmarks[IBUG68].shape == (len(faces), 68, 2)
        assert ((faces.scores > 0) & (faces.scores < 1)).all()
        apart = (faces.landmarks[IBUG68][0] - true).norm(dim=1).mean()
        assert apart < 0.1 * SIZE


def test_other_weights_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("dlib")
    from aukit_dlib.landmarker import DlibLandmarker

    with pytest.raises(MissingWeights, match="shape_predictor_68"):
        DlibLandmarker(DlibOptions(), Context())
    (tmp_path / "x.dat").write_bytes(b"nothing")
    landmarker = DlibLandmarker(DlibOptions(str(tmp_path / "x.dat")), Context(weights=Path))
    with pytest.raises(DataError, match=r"x\.dat is not a shape predictor"):
        landmarker._predictor  # noqa: B018
