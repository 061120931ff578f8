"""What papers have for the options of components, and the presets that follow from it.

An option's role is `size` (how large, how long: what time and memory pay for) or `method` (what is
done at all). `quick` sets sizes only, `full` sets the sizes of the paper, and `paper` every option.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field
from typing import Any, Literal

SIZE, METHOD = "size", "method"

PRESETS = ("quick", "full", "paper")
"""Of a run: small sizes; the papers' sizes; the papers exactly."""
PAPER_METHOD = "paper-method"
"""Of one component: the method of its paper at the sizes of the run's preset."""

PRESET = "preset"
"""Key beside a component's options: `synth.preset` is a preset of that component alone."""

_ROLES = {"full": (SIZE,), "paper": (SIZE, METHOD), PAPER_METHOD: (METHOD,)}
_BELOW = {"full": ("full", "paper")}
"""Preset -> the presets of a record that it starts from, the first one that there is."""


@dataclass(frozen=True)
class Published:
    """What the paper of a component has for one of its options.

    Attributes:
        value: the option's value in the paper.
        source: where the paper says so, in words.
        standing: `said`; `silent` where the paper says nothing and the value is ours; `brought`
            where the paper's value is a file that users bring, and `value` says which.
    """

    value: Any
    source: str
    standing: Literal["said", "silent", "brought"] = "said"


def silent(value: Any, why: str = "not said; ours") -> Published:
    """The value with which an option stands in for what a paper leaves open."""
    return Published(value, why, "silent")


def inherited(config: type[Any], name: str, default: Any) -> Any:
    """An option of a base class that a derived one gives another default."""
    return field(default=default, metadata=config.__dataclass_fields__[name].metadata)


def role_of(option: Field[Any]) -> str:
    """`size` or `method`; an option that says nothing belongs to the method."""
    return str(option.metadata.get("role", METHOD))


def preset_values(
    name: str,
    options: Iterable[Field[Any]],
    presets: Mapping[str, Mapping[str, Any]],
    published: Mapping[str, Published],
) -> dict[str, Any]:
    """The option values of a preset; none where a component knows nothing of it.

    Args:
        name: `quick`, `full`, `paper`, `paper-method`, or a preset of the record's own.
        options: of the component.
        presets: of its record.
        published: of its record.
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
