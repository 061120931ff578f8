"""Gathers what the report of a run shows."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aukit.au import describe
from aukit.config import Choice as Chosen
from aukit.faces import read_rows, shards
from aukit.pipeline.fit import Fitted
from aukit.pipeline.fitting import TRAINING
from aukit.pipeline.prepare import PLAN, Prepared
from aukit.pipeline.preview import FOLDER as PREVIEWS
from aukit.pipeline.preview import grids
from aukit.pipeline.score import PREDICTIONS
from aukit.pipeline.view_rows import view_rows
from aukit.records import DROPPED, OK, labels_of, person_keys
from aukit.report.data import (
    Choice,
    Curve,
    Distribution,
    ImageGroup,
    Licence,
    Partition,
    ReportData,
    Setting,
    Stage,
)
from aukit.statistics.levels import label_counts, plan_counts
from aukit.store import STAGE_FILE, read_table
from aukit.training import SCALARS, read_scalars
from aukit.vision import images as images_io

if TYPE_CHECKING:
    from aukit.pipeline.execute import Work

SAMPLES = 24
GOLDEN = (5**0.5 - 1) / 2


def gather(
    work: Work,
    prepared: Prepared,
    fitted: Fitted,
    scores: Mapping[str, Any],
    card: tuple[Mapping[str, Any], Path] | None = None,
) -> ReportData:
    """Everything that `report.html` shows of a run."""
    config, folder = work.config, work.run.folder
    environment = json.loads((folder / "environment.json").read_text(encoding="utf-8"))
    return ReportData(
        title=f"aukit run {folder.name}",
        command=f"aukit run --config {folder.name}/run.toml",
        summary={
            "run folder": folder.name,
            "preset": config.options.preset,
            "seed": str(config.options.seed),
            "device": work.context.device,
            "action units": ", ".join(prepared.aus),
        },
        notes=tuple(_notes(prepared, fitted)),
        choices=tuple(_choices(work)),
        settings=tuple(_settings(work)),
        stages=tuple(_stages(work)),
        partitions=tuple(_partitions(work, prepared)),
        distribution=_distribution(prepared),
        images=(*_images(prepared, fitted), *_views(work, prepared)),
        scores=scores,
        card=card[0] if card else {},
        card_images=tuple(_grids(card[1])) if card else (),
        predictions=read_table(work.run.stages["predict"] / PREDICTIONS),
        curves=tuple(_curves(fitted)),
        environment=dict(_flat(environment)),
        licences=tuple(_licences(work)),
    )


def _notes(prepared: Prepared, fitted: Fitted) -> Iterator[str]:
    if prepared.left_out:
        names = ", ".join(prepared.left_out)
        yield f"Coded in only one of training and test data, and left out: {names}."
    if fitted.lost:
        yield f"The plan asked for {fitted.lost} uses of faces that could not be made."
    if prepared.valid is None:
        yield "There is no validation partition: the last network was kept, not the best."
    counts = plan_counts(read_table(prepared.plan / PLAN), prepared.aus)
    for au, levels in zip(prepared.aus, counts, strict=True):
        if missing := [str(level) for level, uses in enumerate(levels) if uses == 0]:
            yield f"{au}: no training frame shows level {', '.join(missing)}."


def _chosen(work: Work) -> Iterator[tuple[str, Chosen]]:
    shared = work.config.components
    for kind, choice in shared.items():
        if choice is not None:
            yield kind, choice
    if shared["synth"] is not None:
        yield from (("judge", choice) for choice in work.config.judges.choices)
    for name, role in work.config.roles.items():
        for kind in ("data", "landmarker", "aligner"):
            own = getattr(role, kind)
            if own is not None and own != shared[kind]:
                yield f"{name} {kind}", own


def _choices(work: Work) -> Iterator[Choice]:
    for role, choice in _chosen(work):
        component = choice.component
        version = f"{component.distribution} {component.version}"
        yield Choice(role, component.name, version, choice.chosen_by, component.summary)


def _settings(work: Work) -> Iterator[Setting]:
    for label, value, origin in work.config.rows():
        component, _, option = label.rpartition(".")
        yield Setting(component or "run", option, value, origin)


def _stages(work: Work) -> Iterator[Stage]:
    lines = (work.run.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    found = {e["stage"] for e in map(json.loads, lines) if e["event"] == "found"}
    for label, folder in work.run.stages.items():
        seconds = json.loads((folder / STAGE_FILE).read_text(encoding="utf-8"))["seconds"]
        yield Stage(label, seconds, label in found)


def _partitions(work: Work, prepared: Prepared) -> Iterator[Partition]:
    for label in ("train", "valid", "test", "synth-fit", "synth-paint"):
        folder = work.run.stages.get(f"align-{label}")
        if folder is not None:
            yield _partition(label, read_rows(folder))


def _partition(label: str, rows: pa.Table) -> Partition:
    good = rows.filter(pc.equal(rows.column("status"), OK))
    bad = rows.filter(pc.equal(rows.column("status"), DROPPED))
    drops = Counter(bad.column("reason").to_pylist())
    return Partition(label, len(set(person_keys(rows))), rows.num_rows, good.num_rows, drops)


def _distribution(prepared: Prepared) -> Distribution:
    rows = read_rows(prepared.train)
    good = rows.filter(pc.equal(rows.column("status"), OK))
    plan = read_table(prepared.plan / PLAN)
    before = label_counts(labels_of(good, prepared.aus))
    return Distribution(prepared.aus, before, plan_counts(plan, prepared.aus))


def _images(prepared: Prepared, fitted: Fitted) -> Iterator[ImageGroup]:
    yield ImageGroup("Registered training faces", _samples(prepared.train, prepared.aus))
    yield ImageGroup("Registered test faces", _samples(prepared.test, prepared.aus))
    yield from _previews(fitted)
    if fitted.synthetic is not None:
        yield ImageGroup("Synthetic faces", _samples(fitted.synthetic, prepared.aus))


def _views(work: Work, prepared: Prepared) -> Iterator[ImageGroup]:
    """One moment from several sides, where the data have such moments or the run made them."""
    made = work.run.stages.get("show-views")
    titles = {"One moment, registered from each view": prepared.test}
    titles |= {} if made is None else {"Synthetic faces in the views they are learned in": made}
    for title, folder in titles.items():
        if rows := view_rows(folder):
            note = "A column a view (pitch, yaw in degrees); grey: dropped."
            yield ImageGroup(title, rows, note, wide=True)


def _previews(fitted: Fitted) -> Iterator[ImageGroup]:
    """The last grid that was drawn while the synthesizer was fitted."""
    folder = fitted.synthesizer
    for path in [] if folder is None else grids(folder / TRAINING / PREVIEWS)[-1:]:
        note = "Each AU at the levels 0 to 5 on validation people; the truth beneath, where known."
        picture = images_io.read(path).image
        if picture is None:
            continue
        shown = [(images_io.encode(picture[None], "jpeg")[0], f"step {int(path.stem)}")]
        yield ImageGroup("What the synthesizer paints", shown, note, wide=True)


def _grids(folder: Path) -> Iterator[tuple[bytes, str]]:
    """The picture grids of a score card, with the AU of each."""
    for path in sorted(folder.glob("AU*.png")):
        yield path.read_bytes(), describe(path.stem)


def _samples(folder: Path, aus: Sequence[str]) -> list[tuple[bytes, str]]:
    """Faces from all over a stage folder, with their active AUs."""
    samples: list[tuple[bytes, str]] = []
    parts = shards(folder)
    wanted = math.ceil(SAMPLES / len(parts))
    for number, path in enumerate(parts):
        table = pq.ParquetFile(path).read(columns=["image", "subject", "status", *aus])
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


def _curves(fitted: Fitted) -> Iterator[Curve]:
    for folder in (fitted.synthesizer, fitted.estimator):
        if folder is None:
            continue
        for path in sorted((folder / TRAINING).rglob(SCALARS)):
            label = f"{folder.name.rpartition('-')[0]} {path.parent.name}"
            yield from _curves_of(label, read_scalars(path))


def _curves_of(label: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[Curve]:
    for name in sorted({key for line in lines for key in line} - {"step"}):
        points = [(line["step"], line[name]) for line in lines if name in line]
        values = [math.nan if value is None else value for _, value in points]
        yield Curve(label, name, [step for step, _ in points], values)


def _flat(environment: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in environment.items():
        if isinstance(value, Mapping):
            yield from ((str(name), str(text)) for name, text in value.items())
        else:
            yield key, str(value)


def _licences(work: Work) -> Iterator[Licence]:
    for component in dict.fromkeys(choice.component.qualified for _, choice in _chosen(work)):
        found = next(c.component for _, c in _chosen(work) if c.component.qualified == component)
        terms = found.licence
        if found.weights_licence:
            terms += f"; weights: {found.weights_licence}"
        yield Licence(f"{found.kind} {found.name}", terms, found.paper)
