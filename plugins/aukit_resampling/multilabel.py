"""Multi-label random resampling: whole frames are repeated or dropped for all AUs at once.

Charte, Rivera, del Jesus and Herrera (2015), "Addressing imbalance in multilabel classification:
Measures and random resampling algorithms", Neurocomputing 163.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from aukit import au
from aukit.contracts.context import Context
from aukit.seeds import seed_of
from aukit.statistics.levels import UNKNOWN
from aukit_resampling.balancers import Uses, ordered, plan_table
from aukit_resampling.plugin import MlRosConfig, MlRusConfig

Levels = NDArray[np.int8]
Shown = NDArray[np.bool_]
Counts = NDArray[np.int64]

Resampling = Callable[[Shown, int, np.random.Generator], NDArray[np.int32]]

CLASSES: dict[str, tuple[tuple[int, ...], ...]] = {
    "presence": (tuple(range(1, au.MAX_LEVEL + 1)),),
    "levels": tuple((level,) for level in range(1, au.MAX_LEVEL + 1)),
    "classes": tuple((level,) for level in range(au.MAX_LEVEL + 1)),
}
"""What counts as a label of an AU: groups of its levels, by the option `labels`."""


class MlRos:
    """ML-ROS: frames that show rare labels are repeated until the labels are no longer rare.

    A label is an AU at a level (or its presence, see the option `labels`). `IRLbl` of a label is
    how many times rarer it is than the most frequent one, and `MeanIR` the mean of all. Labels
    whose `IRLbl` is above `MeanIR` have a *minority bag*, the frames that show them. The bags take
    turns: one random frame of the bag is repeated, and a bag whose label is no longer above
    `MeanIR` is closed. It ends when there are `percent` more frames, or all bags are closed.
    """

    def __init__(self, config: MlRosConfig, context: Context) -> None:
        self.config = config

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        """Each coded frame once or more often, equally often for all AUs that it is coded for."""
        return _plan(labels, aus, self.config, repeated, seed_of(seed, "ml-ros"))


class MlRus:
    """ML-RUS: frames that show frequent labels are left out until the labels are no longer so.

    The counterpart of `MlRos`: labels whose `IRLbl` is below `MeanIR` have a *majority bag*. A
    random frame of each bag in turn is left out, until `percent` of the frames are gone or no
    label is below `MeanIR`. Frames that show no label are in no bag and always stay.
    """

    def __init__(self, config: MlRusConfig, context: Context) -> None:
        self.config = config

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        """The frames that stay, each once in the training set of every AU it is coded for."""
        return _plan(labels, aus, self.config, thinned, seed_of(seed, "ml-rus"))


def _plan(
    labels: pa.Table,
    aus: tuple[str, ...],
    config: MlRosConfig | MlRusConfig,
    resampling: Resampling,
    seed: int,
) -> pa.Table:
    labels, levels = ordered(labels, aus)
    (coded,) = np.nonzero((levels != UNKNOWN).any(1))
    changes = len(coded) * config.percent // 100
    counts = np.zeros(len(levels), np.int32)
    shown = shown_labels(levels[coded], CLASSES[config.labels])
    counts[coded] = resampling(shown, changes, np.random.default_rng(seed))
    uses = []
    for place, name in enumerate(aus):
        (rows,) = np.nonzero((levels[:, place] != UNKNOWN) & (counts > 0))
        uses.append(Uses(name, rows, levels[rows, place], counts[rows]))
    return plan_table(labels, aus, uses)


def shown_labels(levels: Levels, classes: tuple[tuple[int, ...], ...]) -> Shown:
    """Which labels each frame shows; labels that no frame shows are left out.

    Args:
        levels: (N, A) levels 0..5, `UNKNOWN` where not coded.
        classes: the groups of levels that make a label of an AU.

    Returns:
        (N, L) bool.
    """
    columns = [np.isin(levels, group) for group in classes]
    shown = np.concatenate(columns, axis=1)
    return shown[:, shown.any(0)]


def imbalance(counts: Counts) -> NDArray[np.float64]:
    """`IRLbl`: how many times rarer each label is than the most frequent one (section 3.2).

    Args:
        counts: (L,) frames that show each label, at least one.
    """
    ratios: NDArray[np.float64] = counts.max(initial=0) / counts
    return ratios


def repeated(shown: Shown, extra: int, random: np.random.Generator) -> NDArray[np.int32]:
    """How often ML-ROS uses each frame.

    Args:
        shown: (N, L) labels of the frames.
        extra: most repetitions in all.
        random: draws the frames.

    Returns:
        (N,) at least 1.
    """
    uses = np.ones(len(shown), np.int32)
    counts, mean, ratios = _measured(shown)
    bags = {label: np.flatnonzero(shown[:, label]) for label in np.flatnonzero(ratios > mean)}
    while extra > 0 and bags:
        for label in list(bags)[:extra]:
            row = bags[label][random.integers(len(bags[label]))]
            uses[row] += 1
            counts += shown[row]
            extra -= 1
            if counts.max() <= mean * counts[label]:
                del bags[label]
    return uses


def thinned(shown: Shown, surplus: int, random: np.random.Generator) -> NDArray[np.int32]:
    """How often ML-RUS uses each frame: 1, or 0 where it is left out.

    Args:
        shown: (N, L) labels of the frames.
        surplus: most frames that are left out.
        random: draws them.
    """
    uses = np.ones(len(shown), np.int32)
    counts, mean, ratios = _measured(shown)
    bags = {
        label: random.permutation(np.flatnonzero(shown[:, label])).tolist()
        for label in np.flatnonzero(ratios < mean)
    }
    while surplus > 0 and bags:
        for label in list(bags)[:surplus]:
            row = _last_used(bags[label], uses)
            if row is not None:
                uses[row] = 0
                counts -= shown[row]
                surplus -= 1
            if row is None or counts.max() >= mean * counts[label]:
                del bags[label]
    return uses


def _measured(shown: Shown) -> tuple[Counts, float, NDArray[np.float64]]:
    """Frames of each label, `MeanIR` and `IRLbl`."""
    counts = shown.sum(0, dtype=np.int64)
    ratios = imbalance(counts)
    return counts, float(ratios.mean()) if len(ratios) else 1.0, ratios


def _last_used(bag: list[int], uses: NDArray[np.int32]) -> int | None:
    """Take the last frame of a bag that another bag has not already left out."""
    while bag:
        row = bag.pop()
        if uses[row]:
            return row
    return None
