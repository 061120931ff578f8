"""A small, correct component of each kind; the broken ones are made from these."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
import torch.nn.functional as F
from small_options import Options
from torch import Tensor

from aukit.components import Component
from aukit.contracts.aligner import Aligned
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.contracts.estimator import Prediction, TrainingSet
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.data import records
from aukit.store.models import load_card, load_tensors, save_model
from aukit.testing import drawn
from aukit.testing.heads import EGG, egg
from aukit.views import FRONTAL
from aukit.vision.frontal import FrontalView
from aukit.vision.frontal_options import FrontalOptions
from aukit_local.executors import Inline
from aukit_procrustes.align import ProcrustesAligner
from aukit_procrustes.plugin import Options as ProcrustesOptions
from aukit_resampling.balancers import Resample
from aukit_resampling.plugin import ResampleConfig
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig

SIZE = 32


def component(kind: str, cls: str, module: str = "small", **fields: Any) -> Component:
    """The record of a small component."""
    values = {"name": cls.lower(), "config": Options, "summary": f"small {kind}", **fields}
    return Component(kind=kind, factory=f"{module}:{cls}", **values)


class Small:
    """Every component is built like this."""

    def __init__(self, config: Options, context: Context) -> None:
        self.config = config
        self.context = context


class Dataset(Small):
    """Twelve drawn faces; every fifth picture cannot be read."""

    aus = drawn.AUS
    landmarks = True

    def index(self) -> pa.Table:
        return self.faces().table.select(records.index_schema(drawn.AUS).names)

    def faces(self) -> drawn.DrawnFaces:
        return drawn.DrawnFaces(12, size=SIZE, uncoded=0.2)

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        for start in range(0, rows.num_rows, 4):
            part = rows.slice(start, 4)
            faces = self.faces().batch(part["frame"].to_pylist())
            yield self.frames(part, faces.images, faces.landmarks)

    def frames(self, rows: pa.Table, images: Tensor, points: Tensor) -> Frames:
        broken = [frame % 5 == 4 for frame in rows["frame"].to_pylist()]
        return Frames(
            rows=rows,
            images=tuple(None if b else i for i, b in zip(images, broken, strict=True)),
            reasons=tuple("unreadable" if b else None for b in broken),
            faces=tuple(drawn.face_of(p[None]) for p in points),
        )

    def render(self, rows: pa.Table, targets: Labels) -> Frames:
        shown = self.faces().batch(rows["frame"].to_pylist())
        own = self.faces().shown.values[rows["frame"].to_pylist()]
        values = torch.where(targets.mask, targets.values, own)
        points = drawn.landmarks(Labels(drawn.AUS, values, torch.ones_like(targets.mask)))
        looks = [drawn.seed_of(0, person) for person in shown.subjects]
        return self.frames(rows, drawn.draw(points, looks, SIZE), points * SIZE - 0.5)


class Landmarker(Small):
    """Finds the rectangle of the picture that is not black, if it has a black frame around it."""

    schemes = (IBUG68,)

    def detect(self, images: list[Tensor]) -> list[Faces]:
        return [self.find(image) for image in images]

    def find(self, image: Tensor) -> Faces:
        down, right = image.amax(0).nonzero(as_tuple=True)
        height = image.shape[1]
        framed = len(down) and int(down.min()) > 0 and int(down.max()) < height - 1
        if not framed:
            return drawn.face_of(torch.zeros(0, 68, 2))
        corner = torch.tensor([int(right.min()), int(down.min())])
        extent = torch.tensor([int(right.max()), int(down.max())]) - corner
        return drawn.face_of((corner + extent * drawn.neutral())[None])


class Aligner(ProcrustesAligner):
    """The 2D aligner at a small size."""

    def __init__(self, config: Options, context: Context) -> None:
        super().__init__(ProcrustesOptions(size=96), context)


class Turner(Small):
    """A 3D aligner: turns the mesh of a drawn head to the front."""

    @cached_property
    def view(self) -> FrontalView:
        return FrontalView.of(egg(), FrontalOptions(size=64), self.context.device)

    def describe(self) -> dict[str, Any]:
        return self.view.describe()

    def align(self, images: Any, faces: Any) -> Aligned:
        return self.views(images, faces, [FRONTAL])[0]

    def views(self, images: Any, faces: Any, views: Any) -> list[Aligned]:
        nobody = torch.zeros_like(egg().vertices)
        meshes = [face.landmarks[EGG][0] if len(face) else nobody for face in faces]
        reasons = [None if len(face) else "no face" for face in faces]
        return self.view.show(images, torch.stack(meshes), views, reasons)


class Balancer(Resample):
    """Three of each level, and as many of each painted from other frames."""

    def __init__(self, config: Options, context: Context) -> None:
        super().__init__(ResampleConfig(config.count), context)

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        real = super().plan(labels, sources, aus, seed)
        known = {row["id"]: row for row in labels.to_pylist()}
        painted = [
            {
                **row,
                **{au: known[row["source"]][au] for au in aus},
                "origin": "synthetic",
                "target": row["source"],
                "seed": seed,
            }
            for row in real.to_pylist()
        ]
        schema = records.plan_schema(aus)
        return pa.concat_tables([real, pa.Table.from_pylist(painted, schema=schema)])


class Synthesizer(Small):
    """Draws the target over the face, a little darker or lighter by its seed."""

    def fit(self, faces: FaceSource, session: object) -> None:
        self.light = faces.batch([0]).images.float().mean() / 255

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        shown = torch.where(targets.mask, targets.values, faces.labels.values)
        points = drawn.landmarks(Labels(targets.aus, shown, torch.ones_like(targets.mask)))
        looks = [drawn.seed_of(0, person) for person in faces.subjects]
        painted = drawn.draw(points, looks, faces.images.shape[-1]).float()
        shade = self.light + (seeds % 7)[:, None, None, None] / 20
        return (painted * shade.clamp(0, 1)).round().to(torch.uint8)

    def save(self, folder: Path) -> None:
        save_model(folder, {"light": self.light}, {})

    def load(self, folder: Path) -> None:
        self.light = load_tensors(folder)["light"]


class Normalizer(Small):
    """Difference to the mean face of the person."""

    def __init__(self, config: Options, context: Context) -> None:
        super().__init__(config, context)
        self.means: dict[str, Tensor] = {}

    def fit(self, faces: FaceSource) -> None:
        batch = faces.batch(range(len(faces)))
        for person in set(batch.subjects):
            own = [row for row, who in enumerate(batch.subjects) if who == person]
            self.means[person] = batch.images[own].float().mean(0) / 255

    def apply(self, faces: FaceBatch) -> Tensor:
        means = torch.stack([self.means[person] for person in faces.subjects])
        return (faces.images.float() / 255 - means) / 2 + 0.5

    def save(self, folder: Path) -> None:
        save_model(folder, self.means, {})

    def load(self, folder: Path) -> None:
        self.means = load_tensors(folder)


class Estimator(Small):
    """Ridge regression of the intensities on the pixels, each AU on its own training set."""

    aus: tuple[str, ...] = ()

    def fit(self, train: TrainingSet, valid: FaceSource | None, session: object) -> None:
        self.aus = train.faces.aus
        batch = train.faces.batch(range(len(train.faces)))
        pixels, columns = self.pixels(batch.images), []
        for place in range(len(self.aus)):
            used = train.counts[:, place] * batch.labels.mask[:, place]
            target = self.labels(batch.labels)[:, place].double()
            columns.append(self.solve(pixels, target, used.double().sqrt()))
        self.weights = torch.stack(columns, 1)

    def labels(self, labels: Labels) -> Tensor:
        return torch.where(labels.mask, labels.values, 0.0)

    def solve(self, pixels: Tensor, target: Tensor, root: Tensor) -> Tensor:
        rows = pixels * root[:, None]
        ridge = 1e-3 * torch.eye(len(rows), dtype=torch.float64)
        return rows.T @ torch.linalg.solve(rows @ rows.T + ridge, target * root)

    def pixels(self, images: Tensor) -> Tensor:
        small = F.interpolate(images.double() / 255, (SIZE, SIZE), mode="area").flatten(1)
        return torch.cat([small, torch.ones(len(small), 1, dtype=torch.float64)], 1)

    def predict(self, faces: FaceBatch) -> Prediction:
        intensity = (self.pixels(faces.images) @ self.weights).clamp(0, 5).float()
        return Prediction(intensity, intensity.round().long())

    def save(self, folder: Path) -> None:
        save_model(folder, {"weights": self.weights}, {"aus": list(self.aus)})

    def load(self, folder: Path) -> None:
        self.aus = tuple(load_card(folder)["aus"])
        self.weights = load_tensors(folder)["weights"]


class Metric(Intensity):
    """The built-in scores."""

    def __init__(self, config: Options, context: Context) -> None:
        super().__init__(IntensityConfig(), context)


class Judge:
    """Judges the smile by how bright the face is, and cannot tell where it is dark."""

    measures = "intensity"
    names = ("AU12",)
    calibrated = True

    def __init__(self, config: Options, context: Context) -> None:
        pass

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        bright = images.float().mean((1, 2, 3)) / 255
        return (5 * bright)[:, None].where(bright[:, None] > 0.1, torch.nan)


class Executor(Inline):
    """One item after the other."""


SOLID: dict[str, Any] = {"tags": ("non-planar",), "accepts": (EGG,)}
"""What the record of a 3D aligner says."""

KINDS = {
    "data": "Dataset",
    "landmarker": "Landmarker",
    "aligner": "Aligner",
    "synth": "Synthesizer",
    "balancer": "Balancer",
    "normalizer": "Normalizer",
    "estimator": "Estimator",
    "metric": "Metric",
    "judge": "Judge",
    "executor": "Executor",
}
"""Kind -> the small component of this kind."""
