"""A plugin of tiny components that exercises every contract: drawn faces, a brush, and the rest.

The dataset draws cartoon faces whose brows (AU01) and mouth (AU12) follow the codes, so that an
estimator can really learn from them within seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor

from aukit.components import Component
from aukit.contracts.aligner import Aligned
from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import IBUG68, Faces
from aukit.contracts.session import Session
from aukit.data.records import index_schema, labels_of, plan_schema, with_labels
from aukit.hooks import hookimpl
from aukit.registry.loading import Plugin, Registry
from aukit.seeds import seed_of
from aukit.store.models import load_card, load_tensors, save_model
from aukit.training.loop import train
from aukit.training.recipe import Recipe
from aukit.views import View

AUS = ("AU01", "AU12")
SIZE = 48
READ_BATCH = 40


@dataclass(frozen=True)
class DrawnConfig:
    """Options of the drawn dataset."""

    people: int = field(default=6, metadata={"help": "people in each partition"})
    frames: int = field(default=40, metadata={"help": "frames of each person"})
    broken: int = field(default=0, metadata={"help": "every so many frames is unreadable"})
    coded: tuple[str, ...] = field(default=AUS, metadata={"help": "AUs that have codes"})
    fail_at: int = field(default=-1, metadata={"help": "raise at this frame of a batch"})


class Drawn:
    """Cartoon faces."""

    landmarks = True

    def __init__(self, config: DrawnConfig, context: Context) -> None:
        self.config = config
        self.aus = config.coded
        self.seed = context.seed

    def index(self) -> pa.Table:
        rows = [
            (partition, f"P{person:02d}", frame)
            for partition in ("train", "valid", "test")
            for person in range(self.config.people)
            for frame in range(self.config.frames)
        ]
        ids = [f"drawn/{p}/{s}/t/frontal/{f}" for p, s, f in rows]
        draws = [np.random.default_rng(seed_of(self.seed, name)) for name in ids]
        columns = {
            "id": ids,
            "dataset": ["drawn"] * len(rows),
            "partition": [p for p, _, _ in rows],
            "subject": [s for _, s, _ in rows],
            "task": ["t"] * len(rows),
            "view": ["frontal"] * len(rows),
            "frame": [f for _, _, f in rows],
            "time_s": [f / 25 for _, _, f in rows],
            "AU01": [
                None if f % 11 == 10 else float(d.integers(6))
                for (_, _, f), d in zip(rows, draws, strict=True)
            ],
            "AU12": [float(min(5, d.geometric(0.4) - 1)) for d in draws],
        }
        schema = index_schema(self.aus)
        return pa.table(
            {name: columns[name] for name in columns if name in schema.names}, schema=schema
        )

    def read(self, rows: pa.Table) -> Iterator[Frames]:
        for start in range(0, rows.num_rows, READ_BATCH):
            part = rows.slice(start, READ_BATCH)
            if 0 <= self.config.fail_at < part.num_rows:
                raise RuntimeError("the projector caught fire")
            yield self._frames(part)

    def render(self, rows: pa.Table, targets: Labels) -> Frames:
        shown, wanted = labels_of(rows, AUS), targets.select(AUS)
        values = wanted.values.where(wanted.mask, shown.values)
        return self._frames(with_labels(rows, Labels(AUS, values, wanted.mask | shown.mask)))

    def _frames(self, rows: pa.Table) -> Frames:
        labels = labels_of(rows, AUS)
        frames = rows.column("frame").to_pylist()
        bad = [bool(self.config.broken) and f % self.config.broken == 1 for f in frames]
        images = draw(rows.column("subject").to_pylist(), labels.values)
        box = torch.tensor([[4.0, 4.0, SIZE - 5.0, SIZE - 5.0]])
        faces = Faces(box, torch.ones(1), {IBUG68: points().unsqueeze(0)})
        return Frames(
            rows=rows,
            images=tuple(None if b else i for i, b in zip(images, bad, strict=True)),
            reasons=tuple("unreadable picture" if b else None for b in bad),
            faces=tuple(faces for _ in frames),
        )


def points() -> Tensor:
    """68 points on a cartoon face, (68, 2)."""
    angle = torch.linspace(0, 6.2, 68)
    return torch.stack([24 + 16 * angle.cos(), 24 + 16 * angle.sin()], 1)


def draw(subjects: list[str], levels: Tensor) -> Tensor:
    """uint8 (B, 3, 48, 48): skin by person, brows at a height by AU01, mouth corners by AU12."""
    row, column = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    hue = torch.tensor([seed_of(0, s) % 97 / 97 for s in subjects]).view(-1, 1, 1)
    skin = ((row - 24) ** 2 + (column - 24) ** 2 < 400).float() * (0.5 + 0.4 * hue)
    brow = (row - (16 - levels[:, 0].view(-1, 1, 1))).abs() < 1.5
    curve = 32 - levels[:, 1].view(-1, 1, 1) * ((column - 24) / 12) ** 2 * 1.5
    mouth = ((row - curve).abs() < 1.5) & ((column - 24).abs() < 13)
    face = skin.where(~(brow & ((column - 24).abs() < 13)) & ~mouth, torch.tensor(0.1))
    return (face.unsqueeze(1).expand(-1, 3, -1, -1) * 255).to(torch.uint8).contiguous()


@dataclass(frozen=True)
class NoConfig:
    """No options."""


@dataclass(frozen=True)
class CentreConfig:
    """Options of the aligner."""

    template: str = field(default="round", metadata={"help": "what it says it aligns to"})


class Centre:
    """An aligner that trusts the dataset: the picture is the face."""

    def __init__(self, config: CentreConfig, context: Context) -> None:
        self.config = config

    def align(self, images: list[Tensor], faces: list[Faces]) -> Aligned:
        good = [
            image.shape[-1] == SIZE and len(f) > 0 for image, f in zip(images, faces, strict=True)
        ]
        blank = torch.zeros((3, SIZE, SIZE), dtype=torch.uint8)
        count = len(images)
        return Aligned(
            images=torch.stack([i if ok else blank for i, ok in zip(images, good, strict=True)]),
            valid=torch.ones((count, SIZE, SIZE), dtype=torch.bool),
            transforms=torch.eye(3).expand(count, 3, 3),
            landmarks=points().expand(count, 68, 2),
            reasons=tuple(None if ok else "no face" for ok in good),
        )

    def describe(self) -> dict[str, object]:
        return {"size": SIZE, "template": self.config.template}


class Turntable(Centre):
    """An aligner that shows other views: a turned face is a moved one."""

    def views(self, images: list[Tensor], faces: list[Faces], views: list[View]) -> list[Aligned]:
        front = self.align(images, faces)
        moves = [(round(-pitch / 10), round(yaw / 10)) for pitch, yaw in views]
        return [replace(front, images=front.images.roll(move, (2, 3))) for move in moves]


class Everywhere:
    """A landmarker that finds a cartoon face in every picture but black ones."""

    schemes = (IBUG68,)

    def __init__(self, config: NoConfig, context: Context) -> None:
        pass

    def detect(self, images: list[Tensor]) -> list[Faces]:
        box = torch.tensor([[4.0, 4.0, SIZE - 5.0, SIZE - 5.0]])
        face = Faces(box, torch.ones(1), {IBUG68: points().unsqueeze(0)})
        nobody = Faces(torch.zeros(0, 4), torch.zeros(0), {})
        return [face if image.any() else nobody for image in images]


class Brush:
    """A synthesizer that draws the target over the face; `fit` only remembers the mean face."""

    def __init__(self, config: NoConfig, context: Context) -> None:
        self.mean = torch.zeros(3, SIZE, SIZE)

    def fit(self, faces: FaceSource, session: object) -> None:
        images = [faces.batch([i]).images.float() for i in range(len(faces))]
        self.mean = torch.cat(images).mean(0)

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        wanted, shown = targets.select(AUS), faces.labels.select(AUS)
        levels = wanted.values.where(wanted.mask, shown.values)
        return draw([s.rsplit("/", 1)[1] for s in faces.subjects], levels)

    def save(self, folder: Path) -> None:
        save_model(folder, {"mean": self.mean}, {})

    def load(self, folder: Path) -> None:
        self.mean = load_tensors(folder)["mean"]


@dataclass(frozen=True)
class TintConfig:
    """Options of the tinter."""

    steps: int = field(default=12, metadata={"help": "steps of the fit"})
    rate: float = field(default=0.02, metadata={"help": "learning rate"})
    pause: float = field(default=0.0, metadata={"help": "seconds that a step or a batch takes"})


class Tint:
    """A synthesizer that really learns: what each AU adds to a picture, by gradient descent."""

    def __init__(self, config: TintConfig, context: Context) -> None:
        self.config = config
        self.aus: tuple[str, ...] = ()
        self.network = torch.nn.Linear(1, 1)

    def fit(self, faces: FaceSource, session: Session) -> None:
        self.aus = faces.aus
        torch.manual_seed(session.seed)
        self.network = torch.nn.Linear(len(self.aus), 3 * SIZE * SIZE)
        optimizer = torch.optim.Adam(self.network.parameters(), self.config.rate)

        def step(number: int) -> dict[str, Tensor]:
            time.sleep(self.config.pause)
            batch = faces.batch(torch.randint(len(faces), (16,)).tolist())
            error = self.network(batch.labels.values / 5) - batch.images.flatten(1) / 255
            loss = error.square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return {"loss": loss}

        def tick(number: int) -> dict[str, float]:
            session.show(number + 1, self.paint)
            return {}

        parts = ({"network": self.network}, {"adam": optimizer})
        recipe = Recipe(*parts, self.config.steps, step, every=4, on_tick=tick)
        train("tint", recipe, replace(session, checkpoint_every=0.0))

    def paint(self, faces: FaceBatch, targets: Labels) -> Tensor:
        wanted, shown = targets.select(self.aus), faces.labels.select(self.aus)
        change = (wanted.values - shown.values).where(wanted.mask, torch.tensor(0.0)) / 5
        with torch.no_grad():
            added = (change @ self.network.weight.T).view(-1, 3, SIZE, SIZE)
        return (faces.images + 255 * added).round().clamp(0, 255).to(torch.uint8)

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        time.sleep(self.config.pause)
        return self.paint(faces, targets)

    def save(self, folder: Path) -> None:
        save_model(folder, self.network.state_dict(), {"aus": list(self.aus)})

    def load(self, folder: Path) -> None:
        self.aus = tuple(load_card(folder)["aus"])
        self.network = torch.nn.Linear(len(self.aus), 3 * SIZE * SIZE)
        self.network.load_state_dict(load_tensors(folder))


class Paints:
    """A balancer that uses every coded frame once and paints each source at level 5 of each AU."""

    def __init__(self, config: NoConfig, context: Context) -> None:
        pass

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        coded = labels_of(labels, aus)
        rows: list[dict[str, object]] = []
        for number, au in enumerate(aus):
            for row, name in enumerate(labels.column("id").to_pylist()):
                if coded.mask[row, number]:
                    level = int(coded.values[row, number])
                    rows.append(_request(au, level, "real", name))
            for name in sources.column("id").to_pylist()[:10]:
                rows.append({**_request(au, 5, "synthetic", name), "seed": seed, au: 5.0})
        return pa.Table.from_pylist(rows, schema=plan_schema(aus))


def _request(au: str, level: int, origin: str, source: str) -> dict[str, object]:
    return {"training_set": au, "level": level, "origin": origin, "source": source, "count": 1}


class Leaky(Paints):
    """A balancer that reaches for a face that is not a training face."""

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        row = _request(aus[0], 0, "real", "drawn/test/P00/t/frontal/0")
        return pa.Table.from_pylist([row], schema=plan_schema(aus))


class MeanFace:
    """A normalizer: difference to the person's mean face, around grey."""

    def __init__(self, config: NoConfig, context: Context) -> None:
        self.means: dict[str, Tensor] = {}

    def fit(self, faces: FaceSource) -> None:
        batch = faces.batch(range(len(faces)))
        for person in set(batch.subjects):
            own = [i for i, s in enumerate(batch.subjects) if s == person]
            self.means[person] = batch.images[own].float().mean(0) / 255

    def apply(self, faces: FaceBatch) -> Tensor:
        means = torch.stack([self.means[s] for s in faces.subjects])
        return (faces.images.float() / 255 - means) / 2 + 0.5

    def save(self, folder: Path) -> None:
        save_model(folder, self.means, {})

    def load(self, folder: Path) -> None:
        self.means = load_tensors(folder)


def _tiny(kind: str, name: str, cls: str, config: type = NoConfig) -> Component:
    return Component(
        kind=kind, name=name, factory=f"{__name__}:{cls}", config=config, summary=f"tiny {name}"
    )


def registry() -> Registry:
    """A fresh one, with the built-ins and these components."""
    found, plugin = Registry(), Plugin("tiny-faces", "0.1", "tiny")
    found.plugins.append(plugin)
    found.register(plugin, sys.modules[__name__])
    return found


@hookimpl
def aukit_datasets() -> list[Component]:
    return [_tiny("data", "drawn", "Drawn", DrawnConfig)]


@hookimpl
def aukit_landmarkers() -> list[Component]:
    return [_tiny("landmarker", "everywhere", "Everywhere")]


@hookimpl
def aukit_aligners() -> list[Component]:
    return [
        _tiny("aligner", "centre", "Centre", CentreConfig),
        _tiny("aligner", "turntable", "Turntable", CentreConfig),
    ]


@hookimpl
def aukit_synthesizers() -> list[Component]:
    return [_tiny("synth", "brush", "Brush"), _tiny("synth", "tint", "Tint", TintConfig)]


@hookimpl
def aukit_balancers() -> list[Component]:
    return [_tiny("balancer", "paints", "Paints"), _tiny("balancer", "leaky", "Leaky")]


@hookimpl
def aukit_normalizers() -> list[Component]:
    return [_tiny("normalizer", "mean-face", "MeanFace")]
