"""The bootstrap draws of a score card, and values with intervals."""

from __future__ import annotations

from dataclasses import dataclass

from aukit.statistics.bootstrap import Scored

Entry = dict[str, float | None]


@dataclass(frozen=True)
class Draws:
    """Number of bootstrap draws over people, and their seed."""

    number: int
    seed: int


def entry(value: float, low: float, high: float) -> Entry:
    """A score with its interval; None where undefined."""
    named = {"value": value, "low": low, "high": high}
    return {key: None if number != number else number for key, number in named.items()}


def entries(scored: Scored) -> list[Entry]:
    """The scores of all columns."""
    columns = (scored.value.tolist(), scored.low.tolist(), scored.high.tolist())
    return [entry(*row) for row in zip(*columns, strict=True)]
