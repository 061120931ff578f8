"""Measure `data/mesh_to_68.json` on faces whose 68 points are known.

Usage: python measure_mesh_to_68.py FACE_LANDMARKER.task

Prints the distance between mapped and true points in percent of the distance between the outer
corners of the eyes, over frames of the avatars with all their expressions. It contains the error of
the landmark model itself, and what the two sources mean by the same point.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions

RECIPE = AvatarsConfig(version=1, train=24, valid=0, test=0, tasks=4, frames=2, size=256, seed=478)
PARTS = {
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
    "all": slice(0, 68),
}


def main(bundle: str) -> None:
    """Compare, and print a line for each part of the face."""
    context = Context(weights=lambda ref: Path(bundle))
    avatars = Avatars(RECIPE, context)
    landmarker = LiteRTLandmarker(LiteRTOptions(max_faces=1), context)
    errors, missed = [], 0
    for frames in avatars.read(avatars.index()):
        images = [image for image in frames.images if image is not None]
        assert frames.faces is not None
        for found, known in zip(landmarker.detect(images), frames.faces, strict=True):
            if not len(found):
                missed += 1
                continue
            true = known.landmarks[IBUG68][0]
            distance = (found.landmarks[IBUG68][0] - true).norm(dim=-1)
            errors.append(100 * distance / (true[36] - true[45]).norm())
    print(f"{len(errors)} frames, {missed} without a detected face")
    for part, points in PARTS.items():
        print(f"{part:6} {torch.stack(errors)[:, points].mean():.2f} %")


if __name__ == "__main__":
    main(*sys.argv[1:])
