"""Square tables as inline SVG, darker cells for larger values: confusions and cross-talk.

Text is escaped by `Markup`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from aukit.report.svg import compact, drawing, text_mark

NUMBER = 24
"""Width of a cell in which a number such as -0.1 is readable."""

WIDE = 290
"""Size of a square table that still fits beside two others."""


def heat_map(
    shares: Sequence[Sequence[float]],
    names: Sequence[str],
    title: str,
    x_label: str,
    y_label: str,
    totals: Sequence[int] = (),
) -> Markup:
    """A square table of shares, darker for more; NaN cells stay empty.

    Args:
        shares: rows of values in 0..1; row 0 is drawn at the bottom.
        names: name of each row and column.
        title: for screen readers.
        x_label, y_label: names of the axes.
        totals: total of each row, written at its end; none if empty.
    """
    count = len(names)
    size = 180
    cell = size / count
    parts = []
    for row, entries in enumerate(shares):
        y = size - (row + 1) * cell
        parts.append(text_mark("tick end", 34, y + cell / 2 + 3.5, names[row]))
        parts.append(text_mark("tick middle", 40 + (row + 0.5) * cell, size + 13, names[row]))
        for column, share in enumerate(entries):
            said = f"{y_label} {names[row]}, {x_label} {names[column]}"
            parts.append(_cell(40 + column * cell, y, cell, share, said))
    parts.append(text_mark("label middle", 40 + size / 2, size + 28, x_label))
    turned = Markup('<text class="label middle" transform="translate(12 {}) rotate(-90)">{}</text>')
    parts.append(turned.format(size / 2, y_label))
    for row, total in enumerate(totals):
        y = size - (row + 0.5) * cell + 3.5
        parts.append(text_mark("tick", 40 + size + 5, y, f"{compact(total)}"))
    if totals:
        parts.append(text_mark("tick", 40 + size + 5, size + 13, "frames"))
    return drawing(title, parts, "square", 40 + size + (46 if totals else 2), size + 34)


def change_map(
    changes: Sequence[Sequence[float | None]], names: Sequence[str], title: str, span: float
) -> Markup:
    """A square table of signed changes, darker for larger, in two colours for their signs.

    Args:
        changes: rows of values; row 0 is drawn at the top, None stays empty.
        names: name of each row and column.
        title: for screen readers.
        span: size of the change that is drawn darkest.
    """
    size, left, top = max(180, NUMBER * len(names)), 40, 16
    cell = size / len(names)
    parts = []
    for row, (name, entries) in enumerate(zip(names, changes, strict=True)):
        y = top + row * cell
        parts.append(text_mark("tick end", left - 6, y + cell / 2 + 3.5, name))
        parts.append(text_mark("tick middle", left + (row + 0.5) * cell, top - 5, name))
        for column, value in enumerate(entries):
            said = f"{name} set, {names[column]} moves"
            parts.append(_change(left + column * cell, y, cell, value, span, said))
    kind = "square" if size <= WIDE else "square large"
    return drawing(title, parts, kind, left + size + 2, top + size + 2)


def _change(x: float, y: float, size: float, value: float | None, span: float, name: str) -> Markup:
    if value is None or not math.isfinite(value):
        return _cell(x, y, size, math.nan, name)
    strength = min(1.0, abs(value) / span)
    rect = (
        '<rect class="fill {}" fill-opacity="{:.2f}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
        'height="{:.1f}"><title>{}: {:+.2f}</title></rect>'
    )
    colour = "s1" if value >= 0 else "s2"
    shown = Markup(rect).format(
        colour, 0.06 + 0.94 * strength, x, y, size - 1, size - 1, name, value
    )
    style = "cell middle strong" if strength > 0.55 else "cell middle"
    return shown + text_mark(style, x + size / 2 - 0.5, y + size / 2 + 3.5, _signed(value))


def _signed(value: float) -> str:
    return f"{round(value, 1) + 0.0:.1f}"  # adding 0 turns -0 into 0


def _cell(x: float, y: float, size: float, share: float, name: str) -> Markup:
    if not math.isfinite(share):
        return Markup(
            '<rect class="empty" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
        ).format(x, y, size - 1, size - 1)
    rect = (
        '<rect class="fill s1" fill-opacity="{:.2f}" x="{:.1f}" y="{:.1f}" width="{:.1f}" '
        'height="{:.1f}"><title>{}: {:.0%}</title></rect>'
    )
    shown = Markup(rect).format(0.06 + 0.94 * share, x, y, size - 1, size - 1, name, share)
    style = "cell middle strong" if share > 0.55 else "cell middle"
    return shown + text_mark(style, x + size / 2 - 0.5, y + size / 2 + 3.5, f"{100 * share:.0f}")
