"""The content of a report. Every part may be empty; its section is then omitted."""

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
        summary: one-line summary of the component.
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
    """The people and frames of one part of the data.

    Attributes:
        name: role or partition.
        people: distinct people.
        frames: frames before registration.
        faces: registered faces that were used.
        drops: reason -> number of frames dropped.
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
        """Number of frames dropped."""
        return sum(self.drops.values())


@dataclass(frozen=True)
class Distribution:
    """How often each level of each AU occurs.

    Attributes:
        aus: AU columns, length A.
        before: (A, 6) coded training frames (`statistics.levels.label_counts`).
        after: (A, 6) uses in the plan (`statistics.levels.level_uses`).
        tops: the highest code of each AU: 5, or 1 for an occurrence; missing ones are 5.
    """

    aus: tuple[str, ...]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    tops: tuple[int, ...] = ()

    def top(self, place: int) -> int:
        """The highest code of the AU at an index."""
        return self.tops[place] if self.tops else MAX_LEVEL


@dataclass(frozen=True)
class ImageGroup:
    """A group of pictures.

    Attributes:
        title: heading.
        images: (encoded PNG, JPEG or WebP, caption) pairs.
        note: a sentence about them.
        wide: whether to show each at page width.
    """

    title: str
    images: Sequence[tuple[bytes, str]]
    note: str = ""
    wide: bool = False


@dataclass(frozen=True)
class Curve:
    """A scalar of a fit over its steps.

    Attributes:
        stage: name of the fit.
        name: name of the scalar, e.g. `loss`.
        steps: length n.
        values: length n; NaN leaves a gap.
        part: name of the network if a fit has several; their curves share a chart.
    """

    stage: str
    name: str
    steps: Sequence[float]
    values: Sequence[float]
    part: str = ""


@dataclass(frozen=True)
class Stage:
    """A stage of the run: seconds it took, and whether its result was reused."""

    name: str
    seconds: float
    reused: bool = False


@dataclass(frozen=True)
class Licence:
    """Licences of a component of the run, and what to cite.

    Attributes:
        what: the component.
        licence: licence of its code.
        paper: what to cite.
        weights, data: licences of the weights and data that it uses or bundles, if any.
    """

    what: str
    licence: str
    paper: str = ""
    weights: str = ""
    data: str = ""


@dataclass(frozen=True)
class ReportData:
    """The content of a run's report.

    Attributes:
        title: heading of the page.
        command: command line that repeats the run.
        typed: command line as typed.
        run_file: the resolved configuration as a run file.
        summary: facts of the run as label -> text (run folder, started, duration, preset, seed).
        notes: warnings, e.g. levels that no frame shows.
        choices: components.
        settings: their options.
        stages: the stages.
        partitions: data and drop counts.
        distribution: labels before and after balancing.
        images: aligned samples and other pictures.
        scores: result of `scoring.score_predictions`.
        card: the score card of a synthesizer (`pipeline.score_card`).
        card_images: its picture grids with captions.
        predictions: table in `records.prediction_schema`.
        curves: training curves.
        environment: label -> text (Python, packages, machine).
        licences: licences of what was used.
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
