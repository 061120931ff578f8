"""What a report shows. Every part may be empty; its section is then left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aukit.au import MAX_LEVEL


@dataclass(frozen=True)
class Choice:
    """A component that the run used.

    Attributes:
        role: what it was used for, e.g. `estimator`, `test aligner`.
        name: qualified name, or `none`.
        version: of its distribution.
        origin: where the choice came from (`default`, `command line`, a run file).
        summary: what the component is.
    """

    role: str
    name: str
    version: str = ""
    origin: str = "default"
    summary: str = ""


@dataclass(frozen=True)
class Setting:
    """An option, its value as text, and where the value came from."""

    component: str
    option: str
    value: str
    origin: str


@dataclass(frozen=True)
class Partition:
    """Who and what was in one part of the data.

    Attributes:
        name: role or partition.
        people: distinct people.
        frames: frames before registration.
        faces: registered faces that were used.
        drops: reason -> number of frames that it cost.
        datasets: where the frames come from.
    """

    name: str
    people: int
    frames: int
    faces: int
    drops: Mapping[str, int] = field(default_factory=dict)
    datasets: Sequence[str] = ()

    @property
    def dropped(self) -> int:
        """Frames that were left out."""
        return sum(self.drops.values())


@dataclass(frozen=True)
class Distribution:
    """How often each level of each AU occurs.

    Attributes:
        aus: AU columns, length A.
        before: (A, 6) coded training frames (`statistics.levels.label_counts`).
        after: (A, 6) uses in the plan (`statistics.levels.level_uses`).
        tops: the highest code of each AU: 5, of an occurrence 1; 5 where nothing is said.
    """

    aus: tuple[str, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    tops: tuple[int, ...] = ()

    def top(self, place: int) -> int:
        """The highest code of the AU at a place."""
        return self.tops[place] if self.tops else MAX_LEVEL


@dataclass(frozen=True)
class ImageGroup:
    """Pictures that belong together.

    Attributes:
        title: heading.
        images: (encoded PNG, JPEG or WebP, caption) pairs.
        note: a sentence about them.
        wide: show each as wide as the page.
    """

    title: str
    images: Sequence[tuple[bytes, str]]
    note: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Curve:
    """A number that a fitted component reported over its steps.

    Attributes:
        stage: which fit.
        name: which number, e.g. `loss`.
        steps: length n.
        values: length n; NaN leaves a gap.
        part: which network, where a fit has several; their curves are drawn together.
    """

    stage: str
    name: str
    steps: Sequence[float]
    values: Sequence[float]
    part: str = ""


@dataclass(frozen=True)
class Stage:
    """A stage of the run: seconds that it took, and whether its result was already there."""

    name: str
    seconds: float
    reused: bool = False


@dataclass(frozen=True)
class Licence:
    """The terms of what the run used, and what to cite.

    Attributes:
        what: the component.
        licence: of its code.
        paper: what to cite.
        weights, data: licences of the weights and data that it uses or brings, where there are any.
    """

    what: str
    licence: str
    paper: str = ""
    weights: str = ""
    data: str = ""


@dataclass(frozen=True)
class ReportData:
    """Everything that a report shows.

    Attributes:
        title: heading of the page.
        command: what to type to get the same run again.
        typed: what was typed.
        run_file: the resolved configuration as a run file.
        summary: facts of the run as label -> text (run folder, started, duration, preset, seed).
        notes: things that the reader must not miss, e.g. levels that no frame shows.
        choices: components.
        settings: their options.
        stages: what ran.
        partitions: data and drop counts.
        distribution: labels before and after balancing.
        images: aligned samples and other pictures.
        scores: what `scoring.score_predictions` returned.
        card: the score card of a synthesizer (`pipeline.score_card`).
        card_images: its picture grids with captions.
        predictions: table in `records.prediction_schema`.
        curves: training curves.
        environment: label -> text (Python, packages, machine).
        licences: terms of what was used.
    """

    title: str
    command: str = ""
    typed: str = ""
    run_file: str = ""
    summary: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()
    choices: Sequence[Choice] = ()
    settings: Sequence[Setting] = ()
    stages: Sequence[Stage] = ()
    partitions: Sequence[Partition] = ()
    distribution: Distribution | None = None
    images: Sequence[ImageGroup] = ()
    scores: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    card_images: Sequence[tuple[bytes, str]] = ()
    predictions: pa.Table | None = None
    curves: Sequence[Curve] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    licences: Sequence[Licence] = ()
