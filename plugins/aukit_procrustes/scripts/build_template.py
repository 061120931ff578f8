"""Write `data/template.json`: the mean of neutral frontal faces as MediaPipe sees them.

Usage: python build_template.py FACE_LANDMARKER.task OUT.json

The faces are 100 avatars (women and men in equal numbers, all AUs at 0, frontal view), so the
template can be rebuilt by anybody. Landmarks come from the landmarker instead of from the avatars'
own truth because that is what frames of other corpora will be aligned by.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import IBUG68
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions
from aukit_procrustes.template import fit_template

RECIPE = AvatarsConfig(version=1, train=100, valid=0, test=0, tasks=1, frames=1, size=256, seed=68)
BATCH = 10


def faces(bundle: Path) -> Tensor:
    """(N, 68, 2) landmarks of the avatars of the recipe."""
    context = Context(weights=lambda ref: bundle)
    avatars = Avatars(RECIPE, context)
    landmarker = LiteRTLandmarker(LiteRTOptions(max_faces=1), context)
    index = avatars.index()
    found = []
    for start in range(0, index.num_rows, BATCH):
        rows = index.slice(start, BATCH)
        coded = torch.ones(rows.num_rows, len(avatars.aus), dtype=torch.bool)
        frames = avatars.render(rows, Labels(avatars.aus, torch.zeros(coded.shape), coded))
        images = [image for image in frames.images if image is not None]
        found += [face.landmarks[IBUG68] for face in landmarker.detect(images)]
    return torch.cat(found)


def main(bundle: str, out: str) -> None:
    """Fit the template and write it."""
    landmarks = faces(Path(bundle))
    points = [[round(x, 6), round(y, 6)] for x, y in fit_template(landmarks).tolist()]
    rows = ",\n  ".join(json.dumps(point) for point in points)
    Path(out).write_text(f'{{"points": [\n  {rows}\n]}}\n')
    print(f"{len(landmarks)} faces")


if __name__ == "__main__":
    main(*sys.argv[1:])
