"""Published detection scores on real and synthetic faces, shown beside a card's own.

A TOML file with a table per detector; for each AU, or `mean`, F1 and accuracy on real faces, then
on synthetic ones, in 0..1:

    [OpenFace]
    AU01 = [0.641, 0.761, 0.758, 0.887]
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit import au
from aukit.config.files import read_file
from aukit.errors import ConfigError
from aukit.score_card.detection import MEASURES, SETS

MEAN = "mean"


def read_published(path: Path) -> dict[str, Any]:
    """Detector -> table in the form of `detection`.

    Raises:
        ConfigError: the file cannot be read or is malformed.
    """
    return {
        f"{name}, published": {unit: _sets(path, unit, numbers) for unit, numbers in table.items()}
        for name, table in _tables(path)
    }


def _tables(path: Path) -> list[tuple[str, Mapping[str, Any]]]:
    found = list(read_file(path).items())
    for name, table in found:
        if not isinstance(table, Mapping):
            raise ConfigError(
                f"{path}: '{name}' is not a table of AUs", "write [NAME], then AU01 = ..."
            )
    return found


def _sets(path: Path, unit: str, numbers: Any) -> dict[str, Any]:
    right = isinstance(numbers, list) and len(numbers) == 4
    if not (unit == MEAN or au.is_column(unit)) or not right or not all(map(_is_score, numbers)):
        raise ConfigError(
            f"{path}: '{unit}' is not an AU with four scores in 0..1",
            "give F1 and accuracy on real, then on synthetic faces, e.g. AU01 = [0.6, 0.7, 0.5, "
            "0.6]",
        )
    real, painted = numbers[:2], numbers[2:]
    gap = [round(theirs - ours, 6) for theirs, ours in zip(real, painted, strict=True)]
    return {
        key: {measure: {"value": value} for measure, value in zip(MEASURES, values, strict=True)}
        for key, values in zip(SETS, (real, painted, gap), strict=True)
    }


def _is_score(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1
