"""The files of a comparison: Markdown, LaTeX, CSV, and the report."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aukit.comparison.tables import LEGEND, MEAN, Table, Text, entry_of, overview, shown, units
from aukit.comparison.tables import verdict as verdict_of
from aukit.store.files import write_text

MARKDOWN, LATEX, CSV, REPORT = "table.md", "table.tex", "table.csv", "report.html"
FILES = (MARKDOWN, LATEX, CSV, REPORT)


def write_files(document: Mapping[str, Any], folder: Path) -> None:
    """Write the tables and the report of a comparison.

    Args:
        document: content of `comparison.json`.
        folder: folder to write to.
    """
    from aukit.comparison.page import write_comparison

    write_text(folder / MARKDOWN, markdown(document))
    write_text(folder / LATEX, latex(document))
    write_text(folder / CSV, table_csv(document))
    write_comparison(document, folder / REPORT)


def tables(document: Mapping[str, Any]) -> list[Table]:
    """The tables to write: the overview, then each shown score per AU."""
    return [overview(document), *(units(document, metric) for metric in shown(document))]


def markdown(document: Mapping[str, Any]) -> str:
    """The tables as a Markdown page."""
    parts = [f"# {document['title']}\n"]
    for number, table in enumerate(tables(document)):
        parts += [] if number == 0 else [f"## {table.title}\n"]
        parts.append("\n".join(_markdown_lines(table)) + "\n")
    parts.append(LEGEND + "\n")
    parts += [f"- {note}" for note in document["notes"]]
    parts.append(f"\n    {document['command']}")
    return "\n".join(parts) + "\n"


def _markdown_lines(table: Table) -> Iterator[str]:
    yield _piped(table.columns)
    yield _piped(["---" if place < table.words else "---:" for place in range(len(table.columns))])
    for row in table.rows:
        yield _piped([f"**{cell.text}**" if cell.best else cell.text for cell in row])


def _piped(cells: list[str] | Any) -> str:
    return f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |"


def latex(document: Mapping[str, Any]) -> str:
    """The tables for `\\input` in a paper; they need the package booktabs."""
    parts = ["% needs \\usepackage{booktabs}"]
    for table in tables(document):
        spec = "l" * table.words + "r" * (len(table.columns) - table.words)
        parts += [f"% {escaped(table.title)}", f"\\begin{{tabular}}{{{spec}}}", "\\toprule"]
        parts += [_latex_row([Text(name) for name in table.columns]), "\\midrule"]
        parts += [_latex_row(row) for row in table.rows]
        parts += ["\\bottomrule", "\\end{tabular}", ""]
    return "\n".join(parts)


def _latex_row(row: Any) -> str:
    cells = [f"\\textbf{{{escaped(c.text)}}}" if c.best else escaped(c.text) for c in row]
    return " & ".join(cells) + r" \\"


_SPECIAL = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--",
    **{character: f"\\{character}" for character in "&%$#_{}"},
}  # fmt: skip


def escaped(text: str) -> str:
    """Text escaped for LaTeX."""
    return re.sub(r"[\\~^–&%$#_{}]", lambda found: _SPECIAL[found[0]], text)


COLUMNS = (
    "unit", "score", "value", "low", "high", "spread", "difference", "difference_low",
    "difference_high", "verdict", "published", "frames", "status",
)  # fmt: skip
COSTS = ("wall_s", "alone_s", "cpu_s", "gpu_h")


def table_csv(document: Mapping[str, Any]) -> str:
    """One line per cell, AU (or `mean`) and score, with numbers in full precision."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    axes = document["axes"]
    writer.writerow(["cell", *axes, *COLUMNS, *COSTS])
    for cell in document["cells"]:
        begin = [cell["label"], *(cell["choices"].get(axis, "") for axis in axes)]
        end = [cell["cost"][name] for name in COSTS]
        for line in _csv_lines(document, cell):
            writer.writerow([*begin, *line, *end])
    return out.getvalue()


def _csv_lines(document: Mapping[str, Any], cell: Mapping[str, Any]) -> Iterator[list[Any]]:
    for unit in (MEAN, *document["aus"]):
        for metric in document["metrics"]:
            found = entry_of(cell, unit, metric)
            change = entry_of(cell, unit, metric, "difference")
            lower = metric in document["lower_is_better"]
            known = cell["published"] if metric == document["published_metric"] else {}
            yield [
                unit, metric, *(found.get(part) for part in ("value", "low", "high", "spread")),
                *(change.get(part) for part in ("value", "low", "high")),
                verdict_of(change, lower), known.get(unit), cell["frames"], cell["status"],
            ]  # fmt: skip
