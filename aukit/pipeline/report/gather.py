"""Gathers what the report of a run shows."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from aukit.data.records import DROPPED, OK, labels_of, person_keys
from aukit.errors import DataError
from aukit.faces.stored import read_rows
from aukit.pipeline.fit import Fitted
from aukit.pipeline.prepare import Prepared
from aukit.pipeline.report import about
from aukit.pipeline.report.pictures import card_grids, images
from aukit.progress import Progress
from aukit.registry.loading import Registry
from aukit.report import write_report
from aukit.report.data import (
    Distribution,
    Partition,
    ReportData,
)
from aukit.runs.names import CARD, GRIDS, PLAN, PREDICTIONS, SCORES
from aukit.runs.results import open_finished
from aukit.statistics.levels import label_counts, plan_counts
from aukit.store.files import ensure_writable, read_table

if TYPE_CHECKING:
    from aukit.pipeline.work import Work


def gather(
    work: Work,
    prepared: Prepared,
    fitted: Fitted,
    scores: Mapping[str, Any],
    card: tuple[Mapping[str, Any], Path] | None = None,
) -> ReportData:
    """Everything that `report.html` shows of a run."""
    folder = work.run.folder
    return ReportData(
        title=f"aukit run {folder.name}",
        command=f"aukit run --config {folder.name}/run.toml",
        typed=about.typed(folder),
        run_file=(folder / "run.toml").read_text(encoding="utf-8"),
        summary=about.summary(work, prepared),
        notes=tuple(_notes(prepared, fitted)),
        choices=tuple(about.choices(work)),
        settings=tuple(about.settings(work)),
        stages=tuple(about.stages(work)),
        partitions=tuple(_partitions(work, prepared)),
        distribution=_distribution(prepared),
        images=tuple(images(work, prepared, fitted)),
        scores=scores,
        card=card[0] if card else {},
        card_images=tuple(card_grids(card[1])) if card else (),
        predictions=read_table(work.run.stages["predict"] / PREDICTIONS),
        curves=tuple(about.curves(work)),
        environment=dict(about.environment(work)),
        licences=tuple(about.licences(work)),
    )


def rewrite(folder: Path, path: Path, registry: Registry, progress: Progress) -> Path:
    """Write the report of a finished run anew.

    Args:
        folder: of the run.
        path: of the page.
        registry: where the run's components are looked up.
        progress: shows how far it is.

    Returns:
        `path`.

    Raises:
        ConfigError: not a run folder.
        DataError: the run was not finished, or results are gone.
        StorageError: the page cannot be written.
    """
    work, prepared, fitted = open_finished(folder, registry, progress)
    with progress.start("report"):
        scores = _document(folder / SCORES)
        card = None
        if (folder / CARD).is_file():
            grid_folder = work.run.stages.get("score-card", folder) / GRIDS
            card = (_document(folder / CARD), grid_folder)
        data = gather(work, prepared, fitted, scores, card)
        ensure_writable(path.parent)
        write_report(data, path)
    return path


def _document(path: Path) -> dict[str, Any]:
    """A JSON object that a run has left.

    Raises:
        DataError: it is missing or damaged.
    """
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path} is missing or damaged: {error}",
            "give the run's command again, what is finished is found",
        ) from error
    return found


def _notes(prepared: Prepared, fitted: Fitted) -> Iterator[str]:
    if prepared.left_out:
        names = ", ".join(prepared.left_out)
        yield f"Coded in only some of the data, and left out: {names}."
    if fitted.lost:
        yield f"The plan asked for {fitted.lost} uses of faces that could not be made."
    if prepared.valid is None:
        yield "There is no validation partition: the last network was kept, not the best."
    counts = plan_counts(read_table(prepared.plan / PLAN), prepared.aus)
    for au, levels in zip(prepared.aus, counts, strict=True):
        if missing := [str(level) for level, uses in enumerate(levels) if uses == 0]:
            yield f"{au}: no training frame shows level {', '.join(missing)}."


def _partitions(work: Work, prepared: Prepared) -> Iterator[Partition]:
    for label in ("train", "valid", "test", "synth-fit", "synth-paint"):
        folder = work.run.stages.get(f"align-{label}")
        if folder is not None:
            yield _partition(label, read_rows(folder))


def _partition(label: str, rows: pa.Table) -> Partition:
    good = rows.filter(pc.equal(rows.column("status"), OK))
    bad = rows.filter(pc.equal(rows.column("status"), DROPPED))
    drops = Counter(bad.column("reason").to_pylist())
    datasets = sorted(rows.column("dataset").unique().to_pylist())
    people = len(set(person_keys(rows)))
    return Partition(label, people, rows.num_rows, good.num_rows, drops, datasets)


def _distribution(prepared: Prepared) -> Distribution:
    rows = read_rows(prepared.train)
    good = rows.filter(pc.equal(rows.column("status"), OK))
    plan = read_table(prepared.plan / PLAN)
    before = label_counts(labels_of(good, prepared.aus))
    return Distribution(prepared.aus, before, plan_counts(plan, prepared.aus))
