"""Gathers what the report of a run shows."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from aukit.data.kinds import au_kinds, tops
from aukit.data.records import DROPPED, OK, labels_of, person_keys
from aukit.errors import DataError
from aukit.faces.stored import read_rows
from aukit.faults import reason
from aukit.pipeline.report import about
from aukit.pipeline.report.pictures import card_grids, images
from aukit.pipeline.stages.fit_estimator import lost_uses
from aukit.progress import Progress
from aukit.registry.loading import Registry
from aukit.report import write_report
from aukit.report.data import (
    Distribution,
    Partition,
    ReportData,
)
from aukit.report.score_tables import presence_remark
from aukit.runs.names import CARD, GRIDS, PLAN, PREDICTIONS, SCORES
from aukit.runs.results import GONE, Results, open_results
from aukit.scoring.occurrence import only_presence
from aukit.statistics.levels import label_counts, level_uses
from aukit.store.files import ensure_writable, read_document, read_schema, read_table
from aukit.store.owned import writing


def gather(
    results: Results, scores: Mapping[str, Any], card: Mapping[str, Any] | None = None
) -> ReportData:
    """Gather everything that `report.html` shows."""
    folder = results.folder
    grids = results.get("score-card")
    return ReportData(
        title=f"aukit run {folder.name}",
        command=f"aukit run --config {folder.name}/run.toml",
        typed=about.typed(folder),
        run_file=(folder / "run.toml").read_text(encoding="utf-8"),
        summary=about.summary(results),
        notes=tuple(_notes(results)),
        choices=tuple(about.choices(results)),
        settings=tuple(about.settings(results)),
        stages=tuple(about.stages(results)),
        partitions=tuple(_partitions(results)),
        distribution=_distribution(results),
        images=tuple(images(results)),
        scores=scores,
        card=card or {},
        card_images=tuple(card_grids(grids / GRIDS)) if card and grids else (),
        predictions=_predictions(results),
        curves=tuple(about.curves(results)),
        environment=dict(about.environment(results)),
        licences=tuple(about.licences(results)),
    )


def rewrite(folder: Path, path: Path, registry: Registry, progress: Progress) -> Path:
    """Regenerate the report of a finished run.

    Args:
        folder: folder of the run.
        path: path of the page.
        registry: where the run's components are looked up.
        progress: shows progress.

    Returns:
        `path`.

    Raises:
        ConfigError: this is not a run folder.
        DataError: the run has not finished, or results are gone or damaged.
        StorageError: the page cannot be written.
    """
    results = open_results(folder, registry)
    estimates = results.config.estimates
    results.need("predict" if estimates else "fit-synth")
    with progress.start("report"), _undamaged(folder):
        card = read_document(folder / CARD) if (folder / CARD).is_file() else None
        scores = read_document(folder / SCORES) if estimates else {}
        data = gather(results, scores, card)
        ensure_writable(path.parent)
        # A run folder already carries aukit's mark.
        own = path.resolve() == (folder / "report.html").resolve()
        with contextlib.nullcontext() if own else writing(path):
            write_report(data, path)
    return path


@contextlib.contextmanager
def _undamaged(folder: Path) -> Iterator[None]:
    """Turn errors from malformed run files into one clear error.

    The report reads hundreds of values and trusts the files to be as aukit wrote them.

    Raises:
        DataError: a file is malformed.
    """
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise DataError(
            f"a file of run {folder} is damaged or from another aukit: {reason(error)}", GONE
        ) from error


def _notes(results: Results) -> Iterator[str]:
    if results.left_out:
        names = ", ".join(results.left_out)
        yield f"Left out because only some of the datasets code them: {names}."
    plan, views = _plan(results), max(1, len(results.config.options.shown_views))
    if lost := lost_uses(plan, results.learned_from, results.aus, views):
        yield f"The plan has {lost} uses of faces that could not be synthesized."
    if results.get("align-valid") is None:
        yield "No validation partition: the last epoch's network was kept, not the best one's."
    if not results.config.estimates:
        yield "The run has no estimator, so there are no predictions and no scores."
    elif only := only_presence(read_schema(results.need("predict").folder / PREDICTIONS)):
        yield f"{presence_remark(only).capitalize()}."
    counts, highest = level_uses(plan, results.aus), tops(au_kinds(plan), results.aus)
    for au, top, levels in zip(results.aus, highest, counts, strict=True):
        if missing := [str(level) for level in range(top + 1) if levels[level] == 0]:
            yield f"{au}: no training frame shows level {', '.join(missing)}."


def _predictions(results: Results) -> pa.Table | None:
    if not results.config.estimates:
        return None
    return read_table(results.need("predict").folder / PREDICTIONS)


def _plan(results: Results) -> pa.Table:
    return read_table(results.need("plan").folder / PLAN)


def _partitions(results: Results) -> Iterator[Partition]:
    for label in ("train", "valid", "test", "synth-fit", "synth-paint"):
        folder = results.get(f"align-{label}")
        if folder is not None:
            yield _partition(label, read_rows(folder))


def _partition(label: str, rows: pa.Table) -> Partition:
    good = rows.filter(pc.equal(rows.column("status"), OK))
    bad = rows.filter(pc.equal(rows.column("status"), DROPPED))
    drops = Counter(bad.column("reason").to_pylist())
    datasets = sorted(rows.column("dataset").unique().to_pylist())
    people = len(set(person_keys(rows)))
    return Partition(label, people, rows.num_rows, good.num_rows, drops, datasets)


def _distribution(results: Results) -> Distribution:
    rows = read_rows(results.need("align-train").folder)
    good = rows.filter(pc.equal(rows.column("status"), OK))
    before = label_counts(labels_of(good, results.aus))
    plan = _plan(results)
    highest = tops(au_kinds(plan), results.aus)
    return Distribution(results.aus, before, level_uses(plan, results.aus), highest)
