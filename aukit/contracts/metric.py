"""A metric compares predictions with the truth.

A metric is a sum and a formula: `terms` maps each frame to summands, `value` turns sums into
scores. This way frames can be streamed, and a bootstrap over people only adds their sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Metric(Protocol):
    """Scores predictions.

    Attributes:
        names: the scores that `value` returns, e.g. `("icc", "mae", "f1")`.

    A metric may have `lower_is_better`, a tuple of the names for which lower is better; for the
    others higher is.
    """

    names: tuple[str, ...]

    def terms(self, truth: Tensor, predicted: Tensor, mask: Tensor) -> Tensor:
        """Summands of each frame.

        Args:
            truth: (N, A) float64, 0..5.
            predicted: (N, A) float64, 0..5.
            mask: (N, A) bool; masked entries must contribute zeros.

        Returns:
            (N, A, M) float64.
        """
        ...

    def value(self, sums: Tensor) -> Mapping[str, Tensor]:
        """Scores from summed terms.

        Args:
            sums: (..., A, M) float64.

        Returns:
            score name -> (..., A) float64; NaN where undefined, never 0.
        """
        ...
