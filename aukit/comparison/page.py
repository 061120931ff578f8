"""The report of a comparison: one page, in the style of a run's."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from aukit import au
from aukit.comparison import tables
from aukit.comparison.same_faces import same_faces
from aukit.comparison.tables import MEAN, Entry, entry_of, is_best
from aukit.report.card_rows import DETECTION_COLUMNS, detections, digits, summary
from aukit.report.card_rows import Row as CardRow
from aukit.report.charts import whisker
from aukit.report.page import Links, render_page
from aukit.report.svg import Range
from aukit.store.files import write_text

CONTENTS: Sequence[tuple[str, Links]] = (
    ("Comparison", (("what", "What was compared"), ("cells", "Cells"))),
    ("Estimates", (("aus", "Each AU"), ("differences", "Differences"), ("views", "Views"))),
    ("Registration", (("faces", "Same faces"),)),
    ("Synthesis", (("cards", "Score cards"), ("painted", "Synthetic faces"))),
    ("Making", (("runs", "Runs"),)),
)


@dataclass(frozen=True)
class Shown:
    """A score in a table.

    Attributes:
        value, interval: text.
        chart: chart of the interval.
        best: whether it is the best of its column or row.
        remark: a verdict, or a published number.
    """

    value: str
    interval: str = ""
    chart: Markup = field(default_factory=Markup)
    best: bool = False
    remark: str = ""


@dataclass(frozen=True)
class Grid:
    """A table of scores: the names of columns and rows, and the scores of each row."""

    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Shown]]]


def write_comparison(document: Mapping[str, Any], path: Path) -> None:
    """Write the report of a comparison as one HTML file, atomically."""
    write_text(path, render(document))


def render(document: Mapping[str, Any]) -> str:
    """Render the page.

    Args:
        document: content of `comparison.json`; pictures are read from the runs it names.
    """
    scored = any(cell["scores"] is not None for cell in document["cells"])
    sections = {
        "cells": overview(document),
        "aus": [each_au(document, metric) for metric in tables.shown(document) if scored],
        "differences": [*_differences(document)],
        "views": views(document),
        "cards": [*cards(document), *presence(document)],
        "painted": list(painted(document)),
        "faces": list(same_faces(document)),
    }
    finished = sum(cell["status"] == "finished" for cell in document["cells"])
    facts = {
        "cells": f"{finished} of {len(document['cells'])} finished",
        "runs": str(sum(len(cell["runs"]) for cell in document["cells"])),
        "baseline": document["baseline"],
        "folder": Path(document["folder"]).name,
    }
    there = ["what", *(name for name, content in sections.items() if content), "runs"]
    context = {
        "document": document,
        "legend": tables.LEGEND,
        "sections": sections,
        "runs": [*_runs(document)],
        "run_columns": ["cell", "run", "folder", "state", *tables.cost_columns(document)],
    }
    return render_page("comparison.html", document["title"], facts, there, context, CONTENTS)


def overview(document: Mapping[str, Any]) -> Grid:
    """One row per cell: means, difference to the baseline, time and cost."""
    metrics = tables.shown(document)
    spans = {m: _span(entry_of(c, MEAN, m) for c in document["cells"]) for m in metrics}
    paired = len(document["cells"]) > 1
    columns = [f"mean {name.upper()}" for name in metrics]
    simple = tables.yardsticks(document)
    columns += [f"{name} {metrics[0].upper()}" for name in simple]
    columns += [f"{metrics[0].upper()} to baseline"] if paired else []
    rows = []
    for cell in document["cells"]:
        scores = [_score(document, cell, MEAN, name, spans[name]) for name in metrics]
        scores += [
            _shown(tables.of_yardstick(cell, name, metrics[0]), spans[metrics[0]])
            for name in simple
        ]
        scores += [_difference(document, cell, MEAN, metrics[0])] if paired else []
        rows.append((cell["label"], [*scores, *_facts(document, cell)]))
    return Grid("", [*columns, "frames", *tables.cost_columns(document)], rows)


def _facts(document: Mapping[str, Any], cell: Mapping[str, Any]) -> list[Shown]:
    costs = [tables.cost_text(cell["cost"], name) for name in tables.costs(document)]
    return [Shown(f"{cell['frames']:,}"), *map(Shown, costs)]


def each_au(document: Mapping[str, Any], metric: str) -> Grid:
    """One row per AU, one column per cell."""
    cells = [cell for cell in document["cells"] if cell["scores"] is not None]
    names = [*document["aus"], MEAN]
    span = _span(entry_of(cell, name, metric) for cell in cells for name in names)
    rows = [(_name(u), [_score(document, c, u, metric, span) for c in cells]) for u in names]
    return Grid(metric.upper(), [cell["label"] for cell in cells], rows)


def _differences(document: Mapping[str, Any]) -> Iterator[Grid]:
    cells = [cell for cell in document["cells"] if cell["difference"] is not None]
    for metric in tables.shown(document) if cells else ():
        names = [*document["aus"], MEAN]
        rows = [(_name(u), [_difference(document, c, u, metric) for c in cells]) for u in names]
        yield Grid(metric.upper(), [cell["label"] for cell in cells], rows)


def views(document: Mapping[str, Any]) -> Grid | None:
    """One row per view, one column per cell: the mean of the first score; None with one view."""
    metric = tables.shown(document)[0]
    cells = [cell for cell in document["cells"] if (cell["scores"] or {}).get("views")]
    if not cells:
        return None
    found = {c["label"]: {v: t[MEAN] for v, t in c["scores"]["views"].items()} for c in cells}
    names = sorted({view for table in found.values() for view in table})
    entries = {(v, c): found[c].get(v, {}).get(metric, {}) for v in names for c in found}
    span = _span(entries.values())
    rows = [(v, [_shown(entries[v, c], span) for c in found]) for v in names]
    return Grid(f"mean {metric.upper()}", list(found), rows)


def cards(document: Mapping[str, Any]) -> Iterator[Grid]:
    """The score cards: one row per measure, one column per cell with a synthesizer."""
    found = {
        cell["label"]: {row.name: row for row in summary(cell["card"])}
        for cell in document["cells"]
        if cell["card"]
    }
    names = list(dict.fromkeys(name for table in found.values() for name in table))
    if names:
        rows = [(n, [_of_card(table.get(n)) for table in found.values()]) for n in names]
        yield Grid("Score cards of the synthesizers", list(found), rows)


def presence(document: Mapping[str, Any]) -> Iterator[Grid]:
    """What each judge of presence finds in real and synthetic faces: a row an AU, the columns of
    each cell; published numbers, which are the same for all cells, once."""
    known = {cell["label"]: cell["card"] for cell in document["cells"] if cell["card"]}
    found = {label: detections(card) for label, card in known.items()}
    beside = {name for card in known.values() for name in card.get("published", {})}
    for judge in dict.fromkeys(itertools.chain.from_iterable(found.values())):
        own = [label for label, judges in found.items() if judge in judges]
        shown = {"": own[0]} if judge in beside else {f"{label}: ": label for label in own}
        columns = [f"{head}{name}" for head in shown for name in DETECTION_COLUMNS]
        entries = [dict(found[label][judge]) for label in shown.values()]
        names = dict.fromkeys(name for table in entries for name in table)
        nothing: list[Entry] = [{}] * len(DETECTION_COLUMNS)
        rows = [
            (name, [_plain(e) for table in entries for e in table.get(name, nothing)])
            for name in names
        ]
        yield Grid(f"Presence in real and synthetic faces: {judge}", columns, rows)


def _plain(entry: Entry) -> Shown:
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if value is None:
        return Shown(tables.NOTHING)
    interval = (
        "" if low is None or high is None else f"[{digits(low, value)}, {digits(high, value)}]"
    )
    return Shown(digits(value), interval)


def _of_card(row: CardRow | None) -> Shown:
    """The score of synthetic faces, with that of the copied input or the true pictures."""
    entry: Entry = row.cells.get("painted", {}) if row else {}
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if row is None or value is None:
        return Shown(tables.NOTHING)
    interval = "" if low is None or high is None else f"{digits(low)} to {digits(high)}"
    others = [
        f"{name} {digits(beside)}"
        for name in ("copied", "true")
        if (beside := row.cells.get(name, {}).get("value")) is not None
    ]
    return Shown(digits(value), interval, remark="; ".join([*others, row.remark]).strip("; "))


def painted(document: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[bytes, str]]]]:
    """For each AU, the synthesized grids of all cells, captioned with the cell."""
    grids = {cell["label"]: folder for cell in document["cells"] if (folder := _grids(cell))}
    for name in document["aus"]:
        paths = {label: folder / f"{name}.png" for label, folder in grids.items()}
        there = [(path.read_bytes(), label) for label, path in paths.items() if path.is_file()]
        if there:
            yield au.describe(name), there


def _grids(cell: Mapping[str, Any]) -> Path | None:
    from aukit.runs.names import GRIDS
    from aukit.runs.results import read_stages

    made = read_stages(Path(cell["run"])).get("score-card") if cell["card"] else None
    return None if made is None else made.folder / GRIDS


def _runs(document: Mapping[str, Any]) -> Iterator[list[str]]:
    for cell in document["cells"]:
        for run in cell["runs"]:
            cost = [tables.cost_text(run["cost"], name) for name in tables.costs(document)]
            fold = [] if run["fold"] == "none" else [f"fold {run['fold']}"]
            what = ", ".join([f"seed {run['seed']}", *fold])
            state = run["error"] or run["status"]
            yield [cell["label"], what, Path(run["run"]).name, state, *cost]


def _name(unit: str) -> str:
    return unit if unit == MEAN else au.describe(unit)


def _score(
    document: Mapping[str, Any], cell: Mapping[str, Any], unit: str, metric: str, span: Range
) -> Shown:
    published = tables.published_of(document).get(cell["label"], {}).get(unit)
    known = published is not None and metric == document["published_metric"]
    remark = f"published {published:.3f}" if known else ""
    if cell["scores"] is None:
        return Shown(tables.unscored(cell))
    best = is_best(document, cell, unit, metric)
    return _shown(entry_of(cell, unit, metric), span, best, remark)


def _difference(
    document: Mapping[str, Any], cell: Mapping[str, Any], unit: str, metric: str
) -> Shown:
    if cell["label"] == document["baseline"]:
        return Shown("baseline")
    entry = entry_of(cell, unit, metric, "difference")
    said = tables.verdict(entry, metric in document["lower_is_better"])
    everywhere = [entry_of(c, unit, metric, "difference") for c in document["cells"]]
    widest = max((abs(end) for one in everywhere for end in _ends(one)), default=1.0) or 1.0
    return _shown(entry, (-widest, widest), remark=said, sign=True)


def _shown(
    entry: Entry, span: Range, best: bool = False, remark: str = "", sign: bool = False
) -> Shown:
    value = entry.get("value")
    if value is None:
        return Shown(tables.NOTHING)
    text = tables.with_interval(entry, "+.3f" if sign else ".3f")
    interval = f"{text.low} to {text.high}" if text.low else ""
    chart = whisker(value, entry.get("low"), entry.get("high"), span)
    return Shown(text.value, interval, chart, best, remark)


def _ends(entry: Entry) -> list[float]:
    return [end for part in ("value", "low", "high") if (end := entry.get(part)) is not None]


def _span(entries: Iterable[Entry]) -> Range:
    ends = [end for entry in entries for end in _ends(entry)]
    return (min([0.0, *ends]), max([1.0, *ends]))
