"""A page about a plan: level frequencies before and after balancing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from aukit import au
from aukit.report import figures
from aukit.report.data import Distribution
from aukit.report.page import render_page
from aukit.store.files import write_text

CONTENTS = (("Plan", (("plan", "What was planned"), ("labels", "Labels"), ("counts", "Counts"))),)
COLUMNS = ("AU", "coded", "uses", *(f"level {level}" for level in range(au.MAX_LEVEL + 1)))


@dataclass(frozen=True)
class PlanPage:
    """The content of the page.

    Attributes:
        title: heading.
        command: command line that reproduces the plan.
        facts: label -> text.
        notes: warnings.
        distribution: labels before and after.
    """

    title: str
    command: str
    facts: Mapping[str, str]
    notes: Sequence[str]
    distribution: Distribution


def write_plan_page(page: PlanPage, path: Path) -> None:
    """Write the page as one HTML file, atomically."""
    context = {
        "command": page.command,
        "notes": page.notes,
        "figures": figures.distributions(page.distribution),
        "columns": COLUMNS,
        "rows": count_rows(page.distribution),
    }
    present = [anchor for _, links in CONTENTS for anchor, _ in links]
    text = render_page("plan.html", page.title, page.facts, present, context, CONTENTS)
    write_text(path, text)


def count_rows(distribution: Distribution) -> list[tuple[str, ...]]:
    """One row per AU, as in `COLUMNS`: coded frames, uses, and both at each level."""
    parts = zip(distribution.aus, distribution.before, distribution.after, strict=True)
    return [
        (
            au.describe(name),
            f"{before.sum():,}",
            f"{after.sum():,}",
            *(
                f"{b:,} → {a:,}" if level <= distribution.top(place) else ""
                for level, (b, a) in enumerate(zip(before.tolist(), after.tolist(), strict=True))
            ),
        )
        for place, (name, before, after) in enumerate(parts)
    ]
