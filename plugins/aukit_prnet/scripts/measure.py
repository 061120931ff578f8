"""Measures the network of PRNet alone, without the help of landmarks but for the crop.

python plugins/aukit_prnet/scripts/measure.py [--weights FILE] [--people 24] [PHOTO...]

Avatars: people of the benchmark's test partition, none of whom the network was fitted on, in the
nine views of FERA 2017; the crop is that of the true 68 points. Photos: the crop is that of
MediaPipe's mesh mapped to the 68 points, which the network is compared with.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.registry.loading import Registry
from aukit.statistics.bootstrap import draw_people
from aukit.vision.images import read
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig
from aukit_mediapipe.landmarker import LiteRTLandmarker
from aukit_mediapipe.plugin import LiteRTOptions
from aukit_prnet import weights
from aukit_prnet.measure import errors, inter_ocular, nme
from aukit_prnet.predict import Predictor

SIZE, TASKS, DRAWS = 256, 3, 2000
INNER = slice(17, 68)


def by_view(predictor: Predictor, people: int) -> dict[str, dict[str, Tensor]]:
    """View -> measure -> (people,) mean error of each person, in percent."""
    recipe = AvatarsConfig(
        version=1, train=0, valid=0, test=people, tasks=TASKS, frames=1, views="fera17", size=SIZE
    )
    avatars = Avatars(recipe, Context())
    index = avatars.index()
    found: dict[tuple[str, str, str], list[Tensor]] = {}
    for meshes in avatars.meshes(index):
        faces = [_face(points) for points in meshes.landmarks]
        predicted, _ = predictor.meshes(list(meshes.images), faces)
        layout = predictor.layout
        truth = layout.vertices_of(layout.position_maps(meshes.vertices))
        rows = meshes.rows.to_pylist()
        for measure, values in errors(predicted, truth, layout.template).items():
            for row, value in zip(rows, 100 * values, strict=True):
                found.setdefault((row["view"], measure, row["subject"]), []).append(value)
    table: dict[str, dict[str, list[Tensor]]] = {}
    for (view, measure, _), shots in found.items():
        table.setdefault(view, {}).setdefault(measure, []).append(torch.stack(shots).mean())
    return {v: {m: torch.stack(x) for m, x in row.items()} for v, row in table.items()}


def interval(values: Tensor) -> str:
    """Mean over people, with the 95 % percentile interval of a bootstrap over them."""
    draws = draw_people(len(values), DRAWS, seed=0)
    means = draws @ values.double() / len(values)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return f"{float(values.mean()):.2f} ({low:.2f} to {high:.2f})"


def _face(points: Tensor) -> Faces:
    box = torch.cat([points.amin(0), points.amax(0)])[None]
    return Faces(boxes=box, scores=torch.ones(1), landmarks={IBUG68: points[None]})


def photos(predictor: Predictor, paths: list[Path]) -> None:
    """Print how far the network's points lie from MediaPipe's on photos."""
    landmarker = LiteRTLandmarker(LiteRTOptions(), Context(weights=Registry().resolve_weights))
    for path in paths:
        image = read(path).image
        if image is None:
            raise SystemExit(f"{path} is no picture")
        face = landmarker.detect([image])[0].one(0)
        meshes, _ = predictor.meshes([image], [face])
        points = predictor.layout.template.landmarks_of(meshes)[..., :2]
        known = face.landmarks[IBUG68][..., :2]
        scale = inter_ocular(known)
        whole = 100 * float(nme(points, known, scale))
        inner = 100 * float(nme(points[:, INNER], known[:, INNER], scale))
        print(f"{path.name}: {whole:.2f} % of 68 points, {inner:.2f} % without the jaw")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="*", type=Path)
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--weights", type=Path, default=weights.PACKAGED)
    arguments = parser.parse_args()
    predictor = Predictor(weights.load(arguments.weights), "cpu", 32)
    photos(predictor, arguments.photos)
    table = by_view(predictor, arguments.people) if arguments.people else {}
    if not table:
        return
    names = list(next(iter(table.values())))
    print(f"| view | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for view, row in table.items():
        print(f"| {view} | {' | '.join(interval(row[name]) for name in names)} |")
    means = {name: torch.stack([row[name] for row in table.values()]).mean(0) for name in names}
    print(f"| all | {' | '.join(interval(means[name]) for name in names)} |")


if __name__ == "__main__":
    main()
