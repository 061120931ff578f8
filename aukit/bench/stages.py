"""Measures every stage of a run beside a reference operation of known cost."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aukit.bench.clock import WARM_STEPS, Clock, Enough, StepClock
from aukit.bench.plain import plain_rasterizer
from aukit.components import KINDS, Component
from aukit.config.choice import build
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.landmarker import Faces
from aukit.contracts.session import Session
from aukit.errors import AukitError, DataError
from aukit.registry.loading import Registry
from aukit.scoring.scores import score_predictions
from aukit.testing.drawn import DrawnFaces
from aukit.testing.heads import egg
from aukit.testing.predictions import made_up
from aukit.vision.images import decode, encode
from aukit.vision.raster import rasterize

FACES, SIDE, SCORED = 16, 224, 20_000
"""Faces per batch, side of registered faces, and number of scored frames."""

FIT_STEPS = 5

PRODUCT = 2048
"""Side of the square matrices whose product is the reference for steps."""


@dataclass(frozen=True)
class Row:
    """A measurement.

    Attributes:
        stage: e.g. `align`.
        what: name of the component or operation.
        ms: milliseconds per item; None if it could not be measured.
        beside: the reference operation.
        ratio: time relative to the reference; None if not measured.
        note: why it could not be measured.
    """

    stage: str
    what: str
    ms: float | None
    beside: str
    ratio: float | None
    note: str = ""


class Bench:
    """Measures on one device.

    Args:
        registry: provides the components.
        device: torch device name.
        preset: preset of the components, `quick`, `full` or `paper`.
        rounds: rounds; the fastest counts.
    """

    def __init__(self, registry: Registry, device: str, preset: str, rounds: int) -> None:
        self.registry, self.device, self.preset, self.rounds = registry, device, preset, rounds
        self.clock = Clock(device.partition(":")[0])
        self.stages: Mapping[str, Callable[[], Iterator[Row]]] = {
            "render": self._render,
            "landmarks": self._landmarks,
            "align": self._align,
            "rasterize": self._rasterize,
            "synth": self._synth,
            "estimator": self._estimator,
            "score": self._score,
        }

    def rows(self, stages: tuple[str, ...] = ()) -> Iterator[Row]:
        """All measurements, or those of the given stages; rows that cannot be measured have a
        note."""
        for name in stages or self.stages:
            try:
                yield from self.stages[name]()
            except AukitError as error:
                yield Row(name, "", None, "", None, error.message)

    def _made(self, component: Component) -> Any:
        layer = {k: Value(v, "bench") for k, v in component.preset(self.preset).items()}
        context = Context(self.device, 0, self.registry.resolve_weights)
        return component.load()(build(component, [layer])[0], context)

    def _each(self, kind: str, work: Callable[[Component], Row]) -> Iterator[Row]:
        for component in self.registry.of_kind(kind):
            try:
                yield work(component)
            except AukitError as error:
                yield Row(kind, component.name, None, "", None, error.message)

    def _row(
        self, stage: str, what: str, work: Callable[[], object], beside: str, other: Any, per: int
    ) -> Row:
        took, known = self.clock.least([work, other], self.rounds)
        return Row(stage, what, 1000 * took / per, beside, took / known)

    @cached_property
    def _dataset(self) -> tuple[str, Any]:
        name = str(KINDS["data"].default)
        return name, self._made(self.registry.find("data", name))

    def _frames(self) -> list[Tensor]:
        dataset = self._dataset[1]
        batches = dataset.read(dataset.index().slice(0, FACES))
        return [image for batch in batches for image in batch.images if image is not None]

    @cached_property
    def _images(self) -> list[Tensor]:
        return self._frames()

    @cached_property
    def _landmarker(self) -> tuple[str, Any]:
        component = self.registry.of_kind("landmarker")[0]
        return component.name, self._made(component)

    @cached_property
    def _faces(self) -> list[Faces]:
        return [found.one(0) for found in self._landmarker[1].detect(self._images)]

    def _render(self) -> Iterator[Row]:
        name = self._dataset[0]
        pictures = torch.stack(self._images)
        yield self._row(
            "render", name, self._frames, "save as PNG", lambda: encode(pictures), len(pictures)
        )

    def _landmarks(self) -> Iterator[Row]:
        name, landmarker = self._landmarker
        images, files = self._images, encode(torch.stack(self._images))
        yield self._row(
            "landmarks",
            name,
            lambda: landmarker.detect(images),
            "read PNG",
            lambda: [decode(file) for file in files],
            len(images),
        )

    def _align(self) -> Iterator[Row]:
        landmarker, images, faces = self._landmarker[1], self._images, self._faces

        def one(component: Component) -> Row:
            aligner = self._made(component)
            return self._row(
                "align",
                component.name,
                lambda: aligner.align(images, faces),
                "landmarks",
                lambda: landmarker.detect(images),
                len(images),
            )

        yield from self._each("aligner", one)

    def _rasterize(self) -> Iterator[Row]:
        mesh, plain = egg(160), plain_rasterizer()
        low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
        placed = (mesh.vertices - low) * (0.9 * SIDE / (high - low).max()) + 0.05 * SIDE
        vertices, size = placed.expand(FACES, -1, -1).contiguous(), (SIDE, SIDE)
        there, triangles = vertices.to(self.device), mesh.triangles.to(self.device)
        yield self._row(
            "rasterize",
            f"{len(triangles):,} triangles",
            lambda: rasterize(there, triangles, size),
            "plain loop on the CPU",
            lambda: plain(vertices, mesh.triangles, size),
            FACES,
        )

    def _synth(self) -> Iterator[Row]:
        drawn = DrawnFaces(256, people=16, size=SIDE)
        yield from self._steps("synth", lambda made, session: made.fit(drawn, session))

    def _estimator(self) -> Iterator[Row]:
        drawn = DrawnFaces(256, people=16, size=SIDE)
        uses = TrainingSet(drawn, torch.ones(len(drawn), len(drawn.aus)))
        yield from self._steps("estimator", lambda made, session: made.fit(uses, None, session))

    def _steps(self, kind: str, fit: Callable[[Any, Session], None]) -> Iterator[Row]:
        """One fitting step of each component of a kind."""
        matrix = torch.rand(PRODUCT, PRODUCT, device=self.device)

        def one(component: Component) -> Row:
            steps = StepClock(self.clock, FIT_STEPS)
            with tempfile.TemporaryDirectory(prefix="aukit-bench-") as folder, suppress(Enough):
                fit(self._made(component), Session(Path(folder), self.device, progress=steps))
            if math.isnan(steps.seconds):
                raise DataError(f"its fit takes fewer than {WARM_STEPS + FIT_STEPS} steps")
            (known,) = self.clock.least([lambda: matrix @ matrix], self.rounds)
            ms, ratio = 1000 * steps.seconds, steps.seconds / known
            return Row(kind, f"{component.name}, one step", ms, "matrix product", ratio)

        yield from self._each(kind, one)

    def _score(self) -> Iterator[Row]:
        table = made_up(SCORED)
        truth, found = (np.asarray(table[name]) for name in ("AU01", "AU01_predicted"))

        def one(component: Component) -> Row:
            metric = self._made(component)
            return self._row(
                "score",
                component.name,
                lambda: score_predictions(table, [metric]),
                "one NumPy correlation",
                lambda: np.corrcoef(truth, found),
                1,
            )

        yield from self._each("metric", one)
