"""The tables of `aukit predict`: Parquet, and CSV in aukit's or in OpenFace's columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import torch
from torch import Tensor

from aukit.contracts.estimator import Prediction
from aukit.data.kinds import Kinds, estimate_kinds, occurrences
from aukit.data.records import OK, estimate_schema
from aukit.store.files import read_schema, read_table, write_aside

TABLE, CSV = "predictions.parquet", "predictions.csv"

Columns = Literal["aukit", "openface"]

SIDES = ("left", "top", "right", "bottom")


def estimate_table(
    rows: pa.Table, aus: tuple[str, ...], kinds: Kinds, found: Sequence[Prediction]
) -> pa.Table:
    """Rows in `records.estimate_schema`.

    Args:
        rows: face rows without pixels.
        aus: estimated AUs.
        kinds: kinds of the estimates; missing ones are intensities.
        found: estimates of the rows with a face, in order, in batches.
    """
    good = torch.tensor([status == OK for status in rows.column("status").to_pylist()]).bool()
    boxes = rows.column("box").to_pylist()
    columns: dict[str, Any] = {name: rows.column(name) for name in rows.column_names}
    columns |= {"file": rows.column("subject"), "confidence": rows.column("score")}
    for side, name in enumerate(SIDES):
        columns[name] = pa.array([None if box is None else box[side] for box in boxes])
    for number, au in enumerate(aus):
        columns[f"{au}_predicted"] = _spread([each.intensity[:, number] for each in found], good)
        columns[f"{au}_level"] = _spread([each.level[:, number] for each in found], good)
    schema = estimate_schema(aus, kinds)
    return pa.table([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _spread(parts: Sequence[Tensor], good: Tensor) -> pa.Array:
    """Values at the rows that have any, null elsewhere."""
    values = torch.zeros(len(good), dtype=parts[0].dtype if parts else torch.float32)
    if parts:
        values[good] = torch.cat([part.cpu() for part in parts])
    return pa.array(values.numpy(), mask=~good.numpy())


def write_tables(parts: Sequence[Path], folder: Path, columns: Columns) -> tuple[Path, Path]:
    """Write both tables in one pass.

    Args:
        parts: shards in `records.estimate_schema`.
        folder: folder to write to.
        columns: naming scheme of the CSV file.

    Returns:
        their paths.
    """
    schema = read_schema(parts[0])
    with write_aside(folder / TABLE) as table, write_aside(folder / CSV) as text:
        names = _named(schema.empty_table(), columns).schema
        with (
            pq.ParquetWriter(table, schema, compression="zstd") as binary,
            pyarrow.csv.CSVWriter(text, names) as plain,
        ):
            for path in parts:
                rows = read_table(path)
                binary.write_table(rows)
                plain.write_table(_named(rows, columns))
    return folder / TABLE, folder / CSV


def _named(rows: pa.Table, columns: Columns) -> pa.Table:
    return rows if columns == "aukit" else openface(rows)


def openface(rows: pa.Table) -> pa.Table:
    """Estimates with OpenFace 2's column names (its wiki, "Output format"), after a column `file`.

    `frame` counts from 1; `AU12_r` is the intensity, if any; `AU12_c` is presence.
    """
    good = pc.equal(rows.column("status"), OK)
    aus = [name.removesuffix("_level") for name in rows.column_names if name.endswith("_level")]
    columns = {
        "file": rows.column("file"),
        "frame": pc.add(pc.fill_null(rows.column("frame"), 0), 1),
        "face_id": rows.column("face"),
        "timestamp": pc.fill_null(rows.column("time_s"), 0.0),
        "confidence": pc.fill_null(rows.column("confidence"), 0.0),
        "success": good.cast(pa.int8()),
    }
    only = occurrences(estimate_kinds(rows))
    columns |= {f"{au}_r": rows.column(f"{au}_predicted") for au in aus if au not in only}
    present = {au: pc.greater(rows.column(f"{au}_level"), 0) for au in aus}
    columns |= {f"{au}_c": present[au].cast(pa.int8()) for au in aus}
    return pa.table(columns)
