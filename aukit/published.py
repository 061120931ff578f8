"""Values of options in the papers, and the presets derived from them.

An option's role is `size` (it changes time and memory) or `method` (it changes what is done).
`quick` sets sizes only, `full` sets the paper's sizes, and `paper` sets every option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field
from typing import Any, Literal

SIZE, METHOD = "size", "method"

PRESETS = ("quick", "full", "paper")
"""Presets of a run: small sizes; the papers' sizes; exactly as in the papers."""
PAPER_METHOD = "paper-method"
"""Preset of one component: its paper's method at the sizes of the run's preset."""

PRESET = "preset"
"""Key among a component's options: `synth.preset` is the preset of that component alone."""

_ROLES = {"full": (SIZE,), "paper": (SIZE, METHOD), PAPER_METHOD: (METHOD,)}
_BELOW = {"full": ("full", "paper")}
"""Preset -> presets of a record to start from; the first that exists is used."""


@dataclass(frozen=True)
class Published:
    """The value of an option in the component's paper.

    Attributes:
        value: the value.
        source: where the paper states it, as a phrase.
        standing: `said`; `silent` if the paper does not state it and the value is ours;
            `brought` if it is a file that users must provide, which `value` describes.
    """

    value: Any
    source: str
    standing: Literal["said", "silent", "brought"] = "said"


def silent(value: Any, why: str = "not said; ours") -> Published:
    """Our value for an option that the paper does not specify."""
    return Published(value, why, "silent")


def inherited(config: type[Any], name: str, default: Any) -> Any:
    """An inherited option with another default."""
    return field(default=default, metadata=config.__dataclass_fields__[name].metadata)


def role_of(option: Field[Any]) -> str:
    """`size` or `method`; `method` unless stated."""
    return str(option.metadata.get("role", METHOD))


def preset_values(
    name: str,
    options: Iterable[Field[Any]],
    presets: Mapping[str, Mapping[str, Any]],
    published: Mapping[str, Published],
) -> dict[str, Any]:
    """The option values of a preset; empty if the component does not define it.

    Args:
        name: `quick`, `full`, `paper`, `paper-method`, or another preset of the record.
        options: options of the component.
        presets: presets of its record.
        published: published values of its record.
    """
    below = next((presets[own] for own in _BELOW.get(name, (name,)) if own in presets), {})
    above = {
        option.name: published[option.name].value
        for option in options
        if role_of(option) in _ROLES.get(name, ())
        and option.name in published
        and published[option.name].standing != "brought"
    }
    return {**below, **above}
