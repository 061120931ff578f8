"""Scores of AUs for which the truth or the estimate is only presence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa
import torch
from torch import Tensor

from aukit.au import MAX_LEVEL
from aukit.contracts.metric import Metric
from aukit.data.kinds import au_kinds, estimate_kinds, occurrences
from aukit.statistics import detection, ranking

CUT = 0.5
"""Lowest probability that counts as present."""
PRESENT = 2.0
"""Lowest intensity that counts as present if a metric has no `threshold`, as usual for DISFA."""


class Occurrence:
    """A metric that scores some AUs by presence only.

    Presence is scored by F1, skew-normalised F1, accuracy and the area under the ROC curve for any
    metric. For these AUs the metric's other scores are NaN; for all others the area is NaN. If one
    side is an intensity, it is present from the metric's threshold.

    Args:
        metric: scores the other AUs.
        schema: schema of the table to score.
        only: its AUs to score by presence only.
    """

    def __init__(self, metric: Metric, schema: pa.Schema, only: frozenset[str]) -> None:
        aus, truth = tuple(au_kinds(schema)), occurrences(au_kinds(schema))
        estimate = occurrences(estimate_kinds(schema))
        self._metric = metric
        threshold = float(getattr(metric, "threshold", PRESENT))
        self._cuts = [
            torch.tensor([CUT if name in known else threshold for name in aus]).double()
            for known in (truth, estimate)
        ]
        self._top = torch.tensor([1.0 if name in estimate else MAX_LEVEL for name in aus])
        self._only = torch.tensor([name in only for name in aus])
        self.names: tuple[str, ...] = tuple(dict.fromkeys([*metric.names, *SCORES]))
        self.lower_is_better: tuple[str, ...] = tuple(getattr(metric, "lower_is_better", ()))

    def terms(self, truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        """Summands of each frame: (N, A) three times -> (N, A, M) float64."""
        present, found = (
            side >= cut for side, cut in zip((truth, predicted), self._cuts, strict=True)
        )
        own = mask & self._only
        parts = [
            self._metric.terms(truth, predicted, mask & ~self._only),
            detection.detection_terms(present.double(), found.double(), own, 1.0),
            ranking.ranking_terms(present, predicted / self._top, own),
        ]
        return torch.cat(parts, -1)

    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        """Scores from summed terms: (..., A, M) -> name -> (..., A); NaN where undefined."""
        own = detection.TERMS + ranking.TERMS
        others = self._metric.value(sums[..., :-own])
        found = self._presence(sums[..., -own:])
        blank = sums.new_full(sums.shape[:-1], torch.nan)
        return {
            name: torch.where(self._only, found.get(name, blank), others.get(name, blank))
            for name in self.names
        }

    def _presence(self, sums: Tensor) -> dict[str, Tensor]:
        cells, ranks = torch.split(sums, [detection.TERMS, ranking.TERMS], dim=-1)
        formulas = (detection.f1, detection.f1_norm, detection.accuracy)
        found = {name: of(cells) for name, of in zip(SCORES, formulas, strict=False)}
        return {**found, "auc": ranking.auc(ranks)}


SCORES = ("f1", "f1_norm", "accuracy", "auc")


def by_kind(metrics: Sequence[Metric], schemas: Sequence[pa.Schema]) -> list[list[Metric]]:
    """For each table of predictions, the metrics that score each AU by its kind.

    An AU that is an occurrence in one of the tables is scored by presence in all.
    """
    only = frozenset(name for schema in schemas for name in only_presence(schema))
    if not only:
        return [list(metrics)] * len(schemas)
    return [[Occurrence(metric, schema, only) for metric in metrics] for schema in schemas]


def only_presence(schema: pa.Schema) -> list[str]:
    """The AUs of a table of predictions that are scored by presence only."""
    known = occurrences(au_kinds(schema)) | occurrences(estimate_kinds(schema))
    return [name for name in au_kinds(schema) if name in known]
