"""The stage that fits a normalizer to each person of all partitions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from aukit.config.choice import Choice, named
from aukit.contracts.normalizer import Normalizer
from aukit.faces.stored import StoredFaces
from aukit.pipeline.stage import Stage
from aukit.pipeline.work import Work
from aukit.runs.names import MODEL
from aukit.store.stages import Result


@dataclass(frozen=True)
class FitNormalizer(Stage):
    """A fitted normalizer.

    Attributes:
        normalizer: the component.
        faces: faces of everyone it will be applied to.
        aus: AUs whose labels it may use.
        seed: seed of the run.
    """

    name: ClassVar[str] = "fit-normalizer"
    normalizer: Choice
    faces: tuple[Result, ...]
    aus: tuple[str, ...]
    seed: int

    def compute(self, folder: Path, work: Work) -> None:
        """Write the model."""
        normalizer: Normalizer = work.make(self.normalizer, self.seed)
        with named(self.normalizer, self.name):
            for source in self.faces:
                normalizer.fit(StoredFaces([source.folder], self.aus))
            (folder / MODEL).mkdir(exist_ok=True)
            normalizer.save(folder / MODEL)
