"""MediaPipe's face landmarker on LiteRT: detector, mesh and blendshapes in batches."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.landmarker import IBUG68, MEDIAPIPE478, Faces
from aukit_mediapipe import bundle, mesh
from aukit_mediapipe.canonical import POINTS, template
from aukit_mediapipe.detector import Detections, Detector
from aukit_mediapipe.litert import Model
from aukit_mediapipe.plugin import LiteRTOptions
from aukit_mediapipe.schemes import to_68


class LiteRTLandmarker:
    """Finds faces with MediaPipe's models, without MediaPipe.

    Scores are the detector's. Measures: `blendshapes` (n, 52), `presence` (n,).

    Raises:
        MissingWeights: the model bundle is not on this machine.
    """

    schemes = (MEDIAPIPE478, IBUG68)

    def __init__(self, config: LiteRTOptions, context: Context) -> None:
        models = bundle.read(context.weights(config.weights))
        self._config = config
        self._device = context.device
        self._detector = Detector(
            Model(models[bundle.DETECTOR], config.threads),
            config.min_detection,
            config.tiles,
            config.everywhere,
            context.device,
        )
        self._mesh = Model(models[bundle.MESH], config.threads)
        self._blendshapes = Model(models[bundle.BLENDSHAPES], config.threads)

    def detect(self, images: Sequence[Tensor]) -> list[Faces]:
        """Faces of each uint8 picture (3, H, W), best detection first; tensors on the CPU."""
        faces = [no_faces() for _ in images]
        rest = [*range(len(images))]
        for search in self._detector.searches:
            found_now = self._search([images[number] for number in rest], search) if rest else []
            for number, found in zip(rest, found_now, strict=True):
                faces[number] = max(faces[number], found, key=len)
            rest = [number for number in rest if _unsure(len(faces[number]), search)]
        return faces

    def _search(self, images: Sequence[Tensor], search: Sequence[float]) -> list[Faces]:
        """The faces that one search finds; what the mesh does not take for a face is none."""
        found = [_best(each, self._config.max_faces) for each in self._detector(images, search)]
        counts = [len(each.scores) for each in found]
        if not sum(counts):
            return [no_faces() for _ in images]
        transforms = torch.cat([mesh.regions(each) for each in found])
        scores = torch.cat([torch.from_numpy(each.scores) for each in found])
        sources = [
            i.to(self._device) for i, n in zip(images, counts, strict=True) for _ in range(n)
        ]
        points, presence = mesh.landmarks(self._mesh, sources, transforms)
        shapes = mesh.blendshapes(self._blendshapes, points)
        parts = [torch.split(part, counts) for part in (scores, points, presence, shapes)]
        return [self._faces(*face) for face in zip(*parts, strict=True)]

    def _faces(self, scores: Tensor, points: Tensor, presence: Tensor, shapes: Tensor) -> Faces:
        keep = presence >= self._config.min_presence
        keep &= template().misfit(points[:, :POINTS]) <= mesh.MOST_MISFIT
        measures = {"blendshapes": shapes[keep], "presence": presence[keep]}
        return faces_of(points[keep], scores[keep], measures)


def faces_of(points: Tensor, scores: Tensor, measures: dict[str, Tensor]) -> Faces:
    """`Faces` from (n, 478, 3) mesh points; the boxes bound the points."""
    plane = points[..., :2]
    return Faces(
        boxes=torch.cat([plane.amin(1), plane.amax(1)], dim=1),
        scores=scores,
        landmarks={MEDIAPIPE478: points, IBUG68: to_68(points)},
        measures=measures,
    )


def no_faces() -> Faces:
    """The `Faces` of a picture without any."""
    measures = {"blendshapes": torch.zeros(0, 52), "presence": torch.zeros(0)}
    return faces_of(torch.zeros(0, mesh.POINTS, 3), torch.zeros(0), measures)


def _unsure(found: int, search: Sequence[float]) -> bool:
    """Whether another search may find more: of a group, some may be too small for these parts."""
    return found == 0 or (found > 1 and max(search) > 1)


def _best(found: Detections, count: int) -> Detections:
    return Detections(found.boxes[:count], found.keypoints[:count], found.scores[:count])
