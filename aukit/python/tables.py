"""Scores predictions held as data frames."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from aukit.contracts.metric import Metric
from aukit.errors import ConfigError
from aukit.python.components import build


def evaluate(
    truth: Any,
    *predictions: Any,
    threshold: float = 2.0,
    draws: int = 1000,
    seed: int = 0,
    **reading: Any,
) -> dict[str, Any]:
    """Score predictions, or the difference of two on the same frames, like `aukit evaluate`.

    Args:
        truth: the true AUs: a pandas, polars or Arrow table (anything with the Arrow C stream
            interface), or the path of a CSV or Parquet file, or of a folder of them. It has columns
            `AU12` (or OpenFace's, py-feat's or LibreFace's names), one with the person, and ones
            that identify the frame: `id`, or `file` and `frame`.
        *predictions: one such table, or two.
        threshold: lowest intensity that counts as present.
        draws, seed: number of bootstrap draws over people, and their seed.
        **reading: further attributes of `aukit.scoring.evaluate.Reading`, e.g. `person="who"`.

    Returns:
        `aus`, `frames`, `people`, `presence`, `notes`, and `scores`: AU or `mean` -> score name ->
        `value`, `low`, `high`; for two tables, the second's minus the first's.

    Raises:
        ConfigError: an argument is not a table, or there are not one or two predictions.
        DataError: data are missing, duplicated or on another scale.
    """
    from aukit.scoring.evaluate import Reading, evaluate_tables

    if len(predictions) not in (1, 2):
        raise ConfigError(f"{len(predictions)} predictions were given", "give one or two tables")

    def metric(presence: bool) -> Metric:
        return build("metric", "presence" if presence else "intensity", threshold=threshold)

    with tempfile.TemporaryDirectory(prefix="aukit-evaluate-") as scratch:
        names = ("truth", "predictions", "second predictions")
        given = (truth, *predictions)
        paths = [_path(t, Path(scratch) / f"{n}.parquet") for n, t in zip(names, given)]  # noqa: B905
        how = Reading(**reading)
        return evaluate_tables(paths[0], paths[1:], metric, how, draws=draws, seed=seed)


def _path(table: Any, place: Path) -> Path:
    """Path from which a table can be read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if isinstance(table, (str, Path)):
        return Path(table)
    if not hasattr(table, "__arrow_c_stream__"):
        raise ConfigError(
            f"{type(table).__name__} is not a table",
            "give a pandas (2.2 or later), polars or Arrow table, or the path of a file",
        )
    pq.write_table(pa.table(table), place)
    return place
