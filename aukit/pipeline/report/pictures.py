"""The pictures of a report."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aukit.au import describe
from aukit.data.records import OK
from aukit.faces.stored import shards
from aukit.pipeline.report.moments import view_rows
from aukit.report.data import ImageGroup
from aukit.runs.names import PREVIEWS, TRAINING, grids
from aukit.runs.results import Results
from aukit.store.files import read_table
from aukit.vision import images as images_io

SAMPLES = 24
GOLDEN = (5**0.5 - 1) / 2


def images(results: Results) -> Iterator[ImageGroup]:
    """Registered faces, synthetic faces, and moments in several views."""
    aus = results.aus
    train, test = (results.need(f"align-{role}").folder for role in ("train", "test"))
    yield ImageGroup("Registered training faces", _samples(train, aus))
    yield ImageGroup("Registered test faces", _samples(test, aus))
    yield from _previews(results.get("fit-synth"))
    if (synthetic := results.get("synthesize")) is not None:
        yield ImageGroup("Synthetic faces", _samples(synthetic, aus))
    yield from _views(test, results.get("show-views"))


def _views(test: Path, made: Path | None) -> Iterator[ImageGroup]:
    """Moments in several views, if the data has them or the run made them."""
    titles = {"One moment, registered from each view": test}
    titles |= {} if made is None else {"Synthetic faces in the views used for training": made}
    for title, folder in titles.items():
        if rows := view_rows(folder):
            note = "One column per view (pitch, yaw in degrees); grey: dropped."
            yield ImageGroup(title, rows, note, wide=True)


def _previews(folder: Path | None) -> Iterator[ImageGroup]:
    """The last preview grid of the synthesizer's fit."""
    for path in [] if folder is None else grids(folder / TRAINING / PREVIEWS)[-1:]:
        note = "Each AU at levels 0 to 5 on validation people; below, the truth where known."
        picture = images_io.read(path).image
        if picture is None:
            continue
        shown = [(images_io.encode(picture[None], "jpeg")[0], f"step {int(path.stem)}")]
        yield ImageGroup("Synthesizer previews", shown, note, wide=True)


def card_grids(folder: Path) -> Iterator[tuple[bytes, str]]:
    """The picture grids of a score card, each with its AU."""
    for path in sorted(folder.glob("AU*.png")):
        yield path.read_bytes(), describe(path.stem)


def _samples(folder: Path, aus: Sequence[str]) -> list[tuple[bytes, str]]:
    """Faces spread over a stage folder, with their active AUs."""
    samples: list[tuple[bytes, str]] = []
    parts = shards(folder)
    wanted = math.ceil(SAMPLES / len(parts))
    for number, path in enumerate(parts):
        table = read_table(path, ["image", "subject", "status", *aus])
        table = table.filter(pc.equal(table.column("status"), OK))
        # Multiples of the golden ratio spread evenly and never fall into step with the tasks.
        shares = (GOLDEN * (number * wanted + k) % 1 for k in range(wanted))
        rows = sorted({int(share * table.num_rows) for share in shares}) if table.num_rows else []
        for row in table.take(pa.array(rows, pa.int64())).to_pylist():
            samples.append((row["image"], _caption(row, aus)))
    return samples[:SAMPLES]


def _caption(row: Mapping[str, Any], aus: Sequence[str]) -> str:
    active = [f"{au[2:].lstrip('0')}={row[au]:g}" for au in aus if (row[au] or 0) > 0]
    return f"{row['subject']}: {' '.join(active) or 'neutral'}"
