"""The 68 points on faces whose points are known: rendered people with expressions."""

from __future__ import annotations

from pathlib import Path

import torch

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions


def test_error_on_avatars_is_as_documented(face_landmarker: Path) -> None:
    context = Context(weights=lambda ref: face_landmarker)
    avatars = Avatars(
        AvatarsConfig(version=1, train=2, valid=0, test=0, tasks=1, frames=2, size=192), context
    )
    errors = []
    for frames in avatars.read(avatars.index()):
        images = [image for image in frames.images if image is not None]
        assert frames.faces is not None
        found = LiteRTLandmarker(LiteRTOptions(), context).detect(images)
        for face, known in zip(found, frames.faces, strict=True):
            true = known.landmarks[IBUG68][0]
            distance = (face.landmarks[IBUG68][0] - true).norm(dim=-1)
            errors.append(distance / (true[36] - true[45]).norm())
    mean = torch.stack(errors).mean(0)
    assert len(errors) == 4
    assert mean.mean() < 0.065
    assert mean[36:48].mean() < 0.035
    assert mean[48:68].mean() < 0.06
