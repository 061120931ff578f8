"""SVG axes, lines and text for charts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

Range = tuple[float, float]

WIDTH, HEIGHT = 320, 200
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 8, 34
"""The view box, and the margins around the plot area, pixels."""


@dataclass(frozen=True)
class Frame:
    """The plot area: maps data to pixels of the view box."""

    x_range: Range
    y_range: Range

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return LEFT + share_of(value, self.x_range) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return HEIGHT - BOTTOM - share_of(value, self.y_range) * (HEIGHT - TOP - BOTTOM)


def compact(value: float) -> str:
    """A number in few characters: 1500 -> `1.5k`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:.3g}"


def ticks_of(span: Range, about: int = 5, least: float = 0.0) -> list[float]:
    """About `about` round numbers inside a range, at least `least` apart."""
    low, high = span
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(least, next(m * power for m in (1, 2, 5, 10) if m * power >= rough * 0.999))
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def share_of(value: float, span: Range) -> float:
    return (value - span[0]) / (span[1] - span[0])


def draw_axes(frame: Frame, x_label: str, least: float) -> Markup:
    rows = [(value, compact(value)) for value in ticks_of(frame.y_range)]
    marks = [
        text_mark("tick middle", frame.x(value), HEIGHT - BOTTOM + 13, compact(value))
        for value in ticks_of(frame.x_range, least=least)
    ]
    return Markup("").join([y_axis(frame, rows), *marks, axis_label(x_label)])


def y_axis(frame: Frame, ticks: Sequence[tuple[float, str]]) -> Markup:
    parts = []
    for value, name in ticks:
        y = frame.y(value)
        parts.append(line_mark("grid", LEFT, y, WIDTH - RIGHT, y))
        parts.append(text_mark("tick end", LEFT - 5, y + 3.5, name))
    return Markup("").join(parts)


def x_names(frame: Frame, names: Sequence[str]) -> Markup:
    y = HEIGHT - BOTTOM + 13
    return Markup("").join(
        text_mark("tick middle", frame.x(place), y, name) for place, name in enumerate(names)
    )


def axis_label(text: str) -> Markup:
    return text_mark("label middle", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 5, text)


def line_mark(style: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    line = '<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
    return Markup(line).format(style, x1, y1, x2, y2)


def text_mark(style: str, x: float, y: float, text: str) -> Markup:
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(style, x, y, text)


def drawing(
    title: str,
    parts: Iterable[Markup],
    style: str = "wide",
    width: float = WIDTH,
    height: float = HEIGHT,
    frame: Frame | None = None,
) -> Markup:
    """The SVG element; with a frame, the page's script can read values from it."""
    svg = '<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}"{}>{}</svg>'
    scale = Markup("") if frame is None else _scale(frame)
    return Markup(svg).format(style, width, height, title, scale, Markup("").join(parts))


def _scale(frame: Frame) -> Markup:
    """Pixels and values of both ends of each axis."""
    ends = (LEFT, WIDTH - RIGHT, *frame.x_range, HEIGHT - BOTTOM, TOP, *frame.y_range)
    return Markup(' data-x="{} {} {} {}" data-y="{} {} {} {}"').format(*ends)
