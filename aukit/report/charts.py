"""Small charts as inline SVG. Colours come from the page's style sheet, so both themes work.

Every chart has a title for screen readers. Text is escaped by `Markup`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from aukit.report.svg import (
    Frame,
    Range,
    axis_label,
    compact,
    draw_axes,
    drawing,
    line_mark,
    share_of,
    x_names,
    y_axis,
)

_COLOURS = 6


@dataclass(frozen=True)
class Series:
    """The points of a line.

    Attributes:
        name: name in the legend and on hover.
        x, y: coordinates; a NaN in `y` breaks the line.
        low, high: ends of a whisker at each point, or None.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


def lines(
    series: Sequence[Series],
    title: str,
    x_label: str,
    *,
    x_range: Range | None = None,
    y_range: Range | None = None,
    dots: bool = False,
    diagonal: bool = False,
) -> Markup:
    """A line chart.

    Args:
        series: the lines, with at least one point in total.
        title: title for screen readers.
        x_label: name of the horizontal axis.
        x_range, y_range: limits of the axes; from the data if None.
        dots: draw the points, with their values on hover.
        diagonal: draw y = x for comparison.
    """
    across = x_range or _span(value for one in series for value in one.x)
    frame = Frame(across, y_range or _padded(series))
    whole = all(float(value).is_integer() for one in series for value in one.x)
    parts = [draw_axes(frame, x_label, 1.0 if whole else 0.0)]
    if diagonal:
        low, high = frame.x_range
        ends = (frame.x(low), frame.y(low), frame.x(high), frame.y(high))
        parts.append(line_mark("guide", *ends))
    for number, one in enumerate(series, start=1):
        parts += [_whiskers(frame, one, number), _path(frame, one, number)]
        if dots:
            parts.append(_dots(frame, one, number))
    return drawing(title, parts, frame=frame)


def bars(
    groups: Sequence[str], series: Sequence[tuple[str, Sequence[float]]], title: str, x_label: str
) -> Markup:
    """Grouped bars on a logarithmic axis, since counts of levels differ by orders of magnitude;
    zero has no bar.

    Args:
        groups: name of each group.
        series: (name, count of each group) pairs.
        title: for screen readers.
        x_label: name of the horizontal axis.
    """
    top = max((count for _, counts in series for count in counts), default=1)
    frame = Frame((-0.5, len(groups) - 0.5), (0, max(1.0, math.log10(max(top, 1)) + 0.3)))
    ticks = [(float(power), compact(10.0**power)) for power in range(int(frame.y_range[1]) + 1)]
    parts = [y_axis(frame, ticks), x_names(frame, groups), axis_label(x_label)]
    width = 0.8 / max(1, len(series))
    for number, (name, counts) in enumerate(series, start=1):
        for place, count in enumerate(counts):
            start = place - 0.4 + (number - 1) * width
            parts.append(_bar(frame, start, width, count, number, f"{name}, {groups[place]}"))
    return drawing(title, parts)


def whisker(value: float, low: float | None, high: float | None, span: Range) -> Markup:
    """A score with its interval as a dot on a line, for a table cell."""
    width, height = 110, 16

    def place(score: float) -> float:
        return 4 + min(1.0, max(0.0, share_of(score, span))) * (width - 8)

    middle = height / 2
    parts = [line_mark("grid", place(span[0]), middle, place(span[1]), middle)]
    if span[0] < 0:
        parts.append(line_mark("grid", place(0), 2, place(0), height - 2))
    if low is not None and high is not None:
        parts.append(line_mark("whisker s1", place(low), middle, place(high), middle))
    parts.append(
        Markup('<circle class="fill s1" cx="{:.1f}" cy="8" r="3.5"/>').format(place(value))
    )
    inner = Markup("").join(parts)
    svg = '<svg class="inline" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>'
    return Markup(svg).format(width, height, inner)


def share_bar(share: float) -> Markup:
    """A bar with the length of a share in 0..1, for a table cell."""
    width, height = 110, 16
    bar = '<rect class="fill s1" x="0" y="4" width="{:.1f}" height="8" rx="1.5"/>'
    svg = '<svg class="inline" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>'
    length = max(1.0, min(1.0, share) * width)
    return Markup(svg).format(width, height, Markup(bar).format(length))


def _span(values: Iterable[float]) -> Range:
    finite = [value for value in values if math.isfinite(value)]
    low, high = (min(finite), max(finite)) if finite else (0.0, 1.0)
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _padded(series: Sequence[Series]) -> Range:
    low, high = _span(value for one in series for value in one.y)
    # Axes of losses and scores start at zero unless values are far from it, so small wiggles stay
    # small.
    return (0.0 if 0 <= low < 0.5 * high else low, high + 0.05 * (high - low))


def _path(frame: Frame, series: Series, number: int) -> Markup:
    commands, pen_down = [], False
    for x, y in zip(series.x, series.y, strict=True):
        if math.isfinite(y):
            commands.append(f"{'L' if pen_down else 'M'}{frame.x(x):.1f} {frame.y(y):.1f}")
        pen_down = math.isfinite(y)
    path = Markup('<path class="stroke s{}" d="{}"><title>{}</title></path>')
    return path.format(_colour(number), "".join(commands), series.name)


def _colour(number: int) -> int:
    """Number of the colour of series `number`, from 1; colours repeat."""
    return (number - 1) % _COLOURS + 1


def _dots(frame: Frame, series: Series, number: int) -> Markup:
    dot = Markup(
        '<circle class="fill s{}" cx="{:.1f}" cy="{:.1f}" r="3"><title>{}</title></circle>'
    )
    return Markup("").join(
        dot.format(
            _colour(number), frame.x(x), frame.y(y), f"{series.name}: {compact(x)} → {y:.3g}"
        )
        for x, y in zip(series.x, series.y, strict=True)
        if math.isfinite(y)
    )


def _whiskers(frame: Frame, series: Series, number: int) -> Markup:
    if series.low is None or series.high is None:
        return Markup("")
    ends = zip(series.x, series.low, series.high, strict=True)
    style = f"whisker s{_colour(number)}"
    return Markup("").join(
        line_mark(style, frame.x(x), frame.y(low), frame.x(x), frame.y(high))
        for x, low, high in ends
        if math.isfinite(low) and math.isfinite(high)
    )


def _bar(frame: Frame, start: float, width: float, count: float, number: int, name: str) -> Markup:
    if count < 1:
        return Markup("")
    # A count of one is still visible although its logarithm is zero.
    top = min(frame.y(math.log10(count)), frame.y(0) - 1.5)
    bar = (
        '<rect class="fill s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}">'
        "<title>{}: {}</title></rect>"
    )
    left, right = frame.x(start), frame.x(start + width)
    return Markup(bar).format(
        number, left, top, right - left - 0.5, frame.y(0) - top, name, f"{count:,.0f}"
    )
