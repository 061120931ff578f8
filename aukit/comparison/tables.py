"""A comparison as tables: the cells with their means, and each AU."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

HEADLINE = ("icc", "mae", "f1")
"""Scores shown in tables if present; `comparison.json` holds all."""

Entry = Mapping[str, float | None]
MEAN = "mean"
NOTHING = "–"


@dataclass(frozen=True)
class Text:
    """A cell of a table.

    Attributes:
        value: its text.
        best: whether its score is the best of its row or column.
        low, high: ends of its interval; empty without one.
    """

    value: str
    best: bool = False
    low: str = ""
    high: str = ""

    @property
    def text(self) -> str:
        """`0.506 [0.470, 0.541]`."""
        return f"{self.value} [{self.low}, {self.high}]" if self.low else self.value


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes:
        title: heading.
        columns: headings of the columns.
        rows: the cells.
        words: number of leading columns with words; the others hold numbers.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Text]]
    words: int


def shown(document: Mapping[str, Any]) -> list[str]:
    """The scores that tables show."""
    known: list[str] = document["metrics"]
    return [name for name in HEADLINE if name in known] or known[:3]


def overview(document: Mapping[str, Any]) -> Table:
    """One row per cell: choices, means with intervals, difference to the baseline, time and
    cost."""
    metrics, axes = shown(document), document["axes"]
    first = metrics[0]
    words = axes or ["cell"]
    paired = len(document["cells"]) > 1
    published = bool(published_of(document))
    columns = [*words]
    columns += [f"mean {name.upper()}" for name in metrics]
    columns += [f"{name} {first.upper()}" for name in yardsticks(document)]
    columns += ["published"] if published else []
    columns += [f"{first.upper()} to baseline", "verdict"] if paired else []
    columns += ["frames", *cost_columns(document)]
    rows = [_overview_row(document, cell, metrics, published, paired) for cell in document["cells"]]
    return Table(document["title"], columns, rows, len(words))


def _overview_row(
    document: Mapping[str, Any],
    cell: Mapping[str, Any],
    metrics: Sequence[str],
    published: bool,
    paired: bool,
) -> list[Text]:
    words = [cell["choices"].get(axis, NOTHING) for axis in document["axes"]] or [cell["label"]]
    row = [Text(word) for word in words]
    if cell["scores"] is None:
        row += [Text(unscored(cell)), *[Text("")] * (len(metrics) - 1)]
    else:
        row += [score(document, cell, MEAN, name) for name in metrics]
    row += [
        with_interval(of_yardstick(cell, name, metrics[0]), ".3f") for name in yardsticks(document)
    ]
    if published:
        row.append(Text(plain(published_of(document).get(cell["label"], {}).get(MEAN))))
    if paired:
        row += compared(document, cell, MEAN, metrics[0])
    row.append(Text(f"{cell['frames']:,}"))
    return row + [Text(cost_text(cell["cost"], name)) for name in costs(document)]


def yardsticks(document: Mapping[str, Any]) -> list[str]:
    """The simple estimators that cells are compared with."""
    known = [beside["estimator"] for cell in document["cells"] if (beside := cell.get("yardstick"))]
    return list(dict.fromkeys(known))


def of_yardstick(cell: Mapping[str, Any], estimator: str, metric: str) -> Entry:
    """The mean score of a simple estimator on the faces of a cell; empty if there is none."""
    beside = cell.get("yardstick")
    if beside is None or beside["estimator"] != estimator:
        return {}
    found: Entry = beside["scores"][MEAN].get(metric) or {}
    return found


def unscored(cell: Mapping[str, Any]) -> str:
    """Text in place of missing scores of a cell."""
    return "failed" if cell["status"] == "failed" else "not scored"


def units(document: Mapping[str, Any], metric: str) -> Table:
    """One row per AU, one column per cell, for one score, with published numbers if any."""
    cells = [cell for cell in document["cells"] if cell["scores"] is not None]
    published = published_of(document) if metric == document["published_metric"] else {}
    columns = ["AU"]
    for cell in cells:
        columns.append(cell["label"])
        columns += ["published"] if cell["label"] in published else []
    rows = [list(_unit_row(document, cells, unit, metric)) for unit in (*document["aus"], MEAN)]
    return Table(f"{metric.upper()} per AU", columns, rows, 1)


def _unit_row(
    document: Mapping[str, Any], cells: Sequence[Mapping[str, Any]], unit: str, metric: str
) -> Iterator[Text]:
    yield Text(unit)
    published = published_of(document) if metric == document["published_metric"] else {}
    for cell in cells:
        yield score(document, cell, unit, metric)
        if cell["label"] in published:
            yield Text(plain(published[cell["label"]].get(unit)))


def published_of(document: Mapping[str, Any]) -> dict[str, Mapping[str, float]]:
    """Cell -> published numbers, for cells that have any."""
    return {cell["label"]: cell["published"] for cell in document["cells"] if cell["published"]}


def score(document: Mapping[str, Any], cell: Mapping[str, Any], unit: str, metric: str) -> Text:
    """A score with its interval, marked if it is the best."""
    entry = entry_of(cell, unit, metric)
    return with_interval(entry, ".3f", is_best(document, cell, unit, metric))


def entry_of(cell: Mapping[str, Any], unit: str, metric: str, part: str = "scores") -> Entry:
    """A score or a difference of a cell; empty if there is none."""
    found: Entry = ((cell[part] or {}).get(unit) or {}).get(metric) or {}
    return found


def is_best(document: Mapping[str, Any], cell: Mapping[str, Any], unit: str, metric: str) -> bool:
    """Whether no cell has a better score; False if cells have different test faces or all scores
    are equal."""
    if any((other["compared"] or {}).get("frames") == 0 for other in document["cells"]):
        return False
    values = [entry_of(other, unit, metric).get("value") for other in document["cells"]]
    known = {value for value in values if value is not None}
    choose = min if metric in document["lower_is_better"] else max
    return len(known) > 1 and entry_of(cell, unit, metric).get("value") == choose(known)


def compared(
    document: Mapping[str, Any], cell: Mapping[str, Any], unit: str, metric: str
) -> tuple[Text, Text]:
    """The difference to the baseline with its interval, and its verdict."""
    if cell["label"] == document["baseline"]:
        return Text("baseline"), Text("")
    entry = entry_of(cell, unit, metric, "difference")
    said = verdict(entry, metric in document["lower_is_better"])
    return with_interval(entry, "+.3f"), Text(said)


def verdict(difference: Entry, lower_is_better: bool) -> str:
    """`better` or `worse` if the interval of a difference excludes 0, else `unclear`; empty if
    undefined."""
    low, high = difference.get("low"), difference.get("high")
    if low is None or high is None:
        return ""
    if low <= 0 <= high:
        return "unclear"
    return "better" if (low > 0) != lower_is_better else "worse"


def with_interval(entry: Entry, style: str, best: bool = False) -> Text:
    """A score as text, in a format such as `.3f` or `+.3f`; a dash if undefined."""
    value, low, high = (entry.get(part) for part in ("value", "low", "high"))
    if value is None:
        return Text(NOTHING)
    if low is None or high is None:
        return Text(number(value, style), best)
    return Text(number(value, style), best, number(low, style), number(high, style))


def number(value: float, style: str) -> str:
    """A number in a format, without negative zero."""
    return f"{round(value, 3) + 0.0:{style}}"


def plain(value: float | None) -> str:
    """A number without an interval."""
    return NOTHING if value is None else f"{value:.3f}"


_COSTS = {"wall_s": "wall s", "alone_s": "alone s", "cpu_s": "CPU s", "gpu_h": "GPU h"}


def costs(document: Mapping[str, Any]) -> list[str]:
    """The costs known for at least one cell."""
    costs = [cell["cost"] for cell in document["cells"]]
    return [name for name in _COSTS if any(cost[name] is not None for cost in costs)]


def cost_columns(document: Mapping[str, Any]) -> list[str]:
    """Headings of `costs`."""
    return [_COSTS[name] for name in costs(document)]


def cost_text(cost: Entry, name: str) -> str:
    """A cost with suitable digits."""
    value = cost[name]
    return NOTHING if value is None else f"{value:.2f}" if name == "gpu_h" else f"{value:.0f}"


LEGEND = (
    "Intervals: 95 %, bootstrap over people. Bold: the best value. A verdict is given only "
    "if the interval of the paired difference to the baseline (same frames, same draws of people) "
    "excludes 0. The simple estimator (yardstick) is fitted on the real frames of each cell. "
    "wall s: time of the cell's runs here; alone s: time without stages shared with other runs."
)
