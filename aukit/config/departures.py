"""Where a run departs from the papers of its components."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields

from aukit.config.choice import Choice
from aukit.config.values import default_of, plain
from aukit.published import METHOD, role_of


@dataclass(frozen=True)
class Departure:
    """An option whose value differs from its component's paper.

    Attributes:
        setting: dotted, e.g. `synth.l_exp`.
        value: its value in the run.
        paper: the paper's value, as a phrase.
        role: `size` or `method`.
    """

    setting: str
    value: str
    paper: str
    role: str

    def __str__(self) -> str:
        return f"{self.setting} = {self.value}; {self.paper}"


def departures(label: str, choice: Choice) -> Iterator[Departure]:
    """The departures of a component; options that the paper does not mention are none.

    Args:
        label: where it was chosen, e.g. `synth`.
        choice: the component and its options.
    """
    for entry in fields(choice.options):
        published = choice.component.published.get(entry.name)
        if published is None or published.standing == "silent":
            continue
        value = plain(getattr(choice.options, entry.name))
        brought = published.standing == "brought"
        departs = value == plain(default_of(entry)) if brought else value != plain(published.value)
        if departs:
            paper = published.value if brought else json.dumps(plain(published.value))
            yield Departure(
                setting=f"{label}.{entry.name}",
                value=json.dumps(value),
                paper=f"the paper: {paper} ({published.source})",
                role=role_of(entry),
            )


def told(found: list[Departure]) -> list[str]:
    """One line per departure of method, and one for all departures of size."""
    lines = [str(one) for one in found if one.role == METHOD]
    sizes = [one.setting for one in found if one.role != METHOD]
    return [*lines, f"sizes that differ from the papers': {', '.join(sizes)}"] if sizes else lines
