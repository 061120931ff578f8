"""Views of a head and their names.

Angles are in degrees. Positive yaw turns the face towards the right of the picture, positive pitch
turns it up. Nothing heavy is imported, since this checks command lines and run files.
"""

from __future__ import annotations

import re

from aukit.errors import ConfigError

View = tuple[float, float]
"""Pitch and yaw of a view, degrees."""

FRONTAL: View = (0.0, 0.0)
FERA17: tuple[View, ...] = tuple((p, y) for y in (-40.0, 0.0, 40.0) for p in (-40.0, -20.0, 0.0))
"""The nine views of FERA 2017; the sixth is frontal."""

NAMED: dict[str, tuple[View, ...]] = {"frontal": (FRONTAL,), "fera17": FERA17}

_VIEW = re.compile(r"[+-]?\d+(\.\d+)?,[+-]?\d+(\.\d+)?")


def parse_views(text: str) -> tuple[View, ...]:
    """Views from text: `frontal`, `fera17`, or pitch,yaw pairs separated by spaces.

    Raises:
        ConfigError: the text is none of these, or an angle is beyond 90 degrees.
    """
    if text in NAMED:
        return NAMED[text]
    if not text.split():
        raise ConfigError("no view given", "use frontal, fera17, or pitch,yaw in degrees")
    return tuple(dict.fromkeys(parse_view(part) for part in text.split()))


def parse_view(text: str) -> View:
    """Parse the name of one view; the inverse of `view_name`."""
    if text == "frontal":
        return FRONTAL
    if not _VIEW.fullmatch(text):
        raise ConfigError(
            f"'{text}' is not a view", "use frontal, fera17, or pitch,yaw in degrees: -20,40"
        )
    pitch, yaw = (float(number) + 0.0 for number in text.split(","))
    if max(abs(pitch), abs(yaw)) > 90:
        raise ConfigError(f"view {text} turns the face away", "angles must be within ±90 degrees")
    return pitch, yaw


def view_name(view: View) -> str:
    """`frontal`, or pitch and yaw such as `-40,20`."""
    return "frontal" if view == FRONTAL else f"{view[0]:g},{view[1]:g}"
