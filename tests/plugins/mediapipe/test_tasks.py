"""LiteRT against Google's own package, where that is installed."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
import skimage.data
import torch

from aukit.contracts.context import Context
from aukit.contracts.landmarker import MEDIAPIPE478
from aukit.vision.warp import place, warp
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions, Options

pytest.importorskip("mediapipe", reason="the extra 'mediapipe' is not installed")

from aukit_mediapipe.tasks import NOTICE, TasksLandmarker


@pytest.fixture(scope="module")
def context(face_landmarker: Path) -> Context:
    return Context(weights=lambda ref: face_landmarker)


def pictures() -> list[torch.Tensor]:
    """The astronaut, mirrored, moved to the side, turned and scaled."""
    image = torch.from_numpy(skimage.data.astronaut()).permute(2, 0, 1).contiguous()
    views = [(1.0, -0.5), (1.0, 0.25), (2.0, 0.1), (3.0, 0.1)]
    transforms = place(
        torch.tensor([scale for scale, _ in views]),
        torch.tensor([angle for _, angle in views]),
        torch.tensor([[223.0, 125.0]]).expand(len(views), 2),
        torch.tensor([256.0, 256.0]),
    )
    plain = [image, image.flip(2), image[:, :300, 100:400]]
    return [*plain, *warp([image] * len(views), transforms, 512)]


def test_the_two_runtimes_agree(context: Context) -> None:
    images = pictures()
    ours = LiteRTLandmarker(LiteRTOptions(), context).detect(images)
    theirs = TasksLandmarker(Options(), context).detect(images)
    errors, shapes = [], []
    for a, b in zip(ours, theirs, strict=True):
        assert len(a) == len(b) == 1
        x, y = a.landmarks[MEDIAPIPE478][0], b.landmarks[MEDIAPIPE478][0]
        scale = 60 / (y[33, :2] - y[263, :2]).norm()
        errors.append((x - y)[:, :2].norm(dim=-1).mean() * scale)
        shapes.append((a.measures["blendshapes"] - b.measures["blendshapes"]).abs().mean())
        assert (x - y)[:, 2].abs().mean() * scale < 1
    assert max(errors) < 1  # pixels at 60 px between the outer corners of the eyes
    assert max(shapes) < 0.03


def test_no_face(context: Context) -> None:
    (faces,) = TasksLandmarker(Options(), context).detect([torch.zeros(3, 80, 60).byte()])
    assert len(faces) == 0


def test_it_says_what_it_reports(context: Context, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        TasksLandmarker(Options(), context)
    assert NOTICE in caplog.text
