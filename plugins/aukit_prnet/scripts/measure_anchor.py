"""What the landmarks add to PRNet's mesh: errors with and without `anchor`, landmarks as found.

python plugins/aukit_prnet/scripts/measure_anchor.py [--people 12] [--weights FILE] [--known]

People of the test partition of the avatars in the nine views of FERA 2017, each at rest and with an
expression; landmarks by MediaPipe, or with --known the true ones; pictures in which no face is
found are left out and counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.registry.loading import Registry
from aukit.testing.drawn import face_of
from aukit.views import FERA17
from aukit_avatars.actions import AUS
from aukit_avatars.known import in_pixels
from aukit_avatars.people import sample_person
from aukit_avatars.studio import Studio
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions
from aukit_prnet import weights
from aukit_prnet.measure import errors
from aukit_prnet.predict import Predictor

SIZE = 320
SMILE = {"AU06": 4.0, "AU12": 5.0, "AU25": 4.0}
FRIGHT = {"AU01": 4.0, "AU02": 4.0, "AU05": 3.0, "AU25": 4.0, "AU26": 4.0}
MEASURES = {"68": "68 points", "68 turned": "68 points, turned", "dense": "all vertices in space"}


def levels(expression: dict[str, float]) -> Tensor:
    """(2, AUs): at rest, and with an expression."""
    return torch.tensor([[0.0] * len(AUS), [expression.get(au, 0.0) for au in AUS]])


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--weights", type=Path, default=weights.PACKAGED)
    parser.add_argument("--known", action="store_true", help="the true landmarks")
    arguments = parser.parse_args()
    used = weights.load(arguments.weights)
    finders = {how: Predictor(used, "cpu", 16, how) for how in ("none", "pose", "points")}
    layout = used.layout
    landmarker = LiteRTLandmarker(LiteRTOptions(), Context(weights=Registry().resolve_weights))
    studio = Studio()
    found: dict[tuple[str, str], list[Tensor]] = {}
    lost = 0
    for number in range(arguments.people):
        person = sample_person(studio.head, 0, f"test/anchor/{number}", number % 2 == 0)
        for view in FERA17:
            expression = levels((SMILE, FRIGHT)[number // 2 % 2])
            shot = studio.portrait(person, expression, view, SIZE, number, "ab"[number % 2])
            images = list(shot.images)
            faces = [face_of(points[None]) for points in shot.landmarks]
            if not arguments.known:
                faces = [face.one(0) for face in landmarker.detect(images)]
            seen = [row for row, face in enumerate(faces) if len(face)]
            lost += len(images) - len(seen)
            if not seen:
                continue
            truth = layout.vertices_of(layout.position_maps(in_pixels(shot)[seen]))
            for how, finder in finders.items():
                meshes, _ = finder.meshes([images[r] for r in seen], [faces[r] for r in seen])
                for name, values in errors(meshes, truth, layout.template).items():
                    found.setdefault((how, name), []).append(values)
    print(f"{lost} of {2 * arguments.people * len(FERA17)} pictures without a found face")
    print("| anchor | " + " | ".join(MEASURES.values()) + " |")
    for how in finders:
        cells = [f"{100 * float(torch.cat(found[how, name]).mean()):.1f} %" for name in MEASURES]
        print(f"| `{how}` | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
