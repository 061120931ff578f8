"""Renders a report and writes it atomically."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aukit.components import KINDS
from aukit.report import figures
from aukit.report.card import CardSection, card_section
from aukit.report.charts import share_bar
from aukit.report.data import ReportData, Stage
from aukit.report.figures import Estimates, Figure, Group
from aukit.report.people import PeopleSection, people_section
from aukit.report.score_tables import Cell, ScoreTables, headings, score_tables
from aukit.report.sequences import timelines
from aukit.store.files import write_text

_SIGNATURES = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpeg", b"RIFF": "webp"}

Links = Sequence[tuple[str, str]]

CHAIN = [kind for kind in KINDS if kind not in ("metric", "judge", "executor")]
"""The components that process a frame, in order."""

CONTENTS: Sequence[tuple[str, Links]] = (
    ("Run", (("run", "What was run"),)),
    (
        "Estimates",
        (
            ("scores", "Scores"),
            ("views", "Views"),
            ("people", "People"),
            ("agreement", "Predicted vs. true"),
            ("confusion", "Confusion of levels"),
            ("time", "Over time"),
        ),
    ),
    (
        "Synthesis",
        (
            ("synthesis", "Score card"),
            ("cross-talk", "Cross-talk"),
            ("levels", "Synthesized levels"),
        ),
    ),
    ("Data", (("data", "Frames and people"), ("labels", "Labels"), ("pictures", "Pictures"))),
    (
        "Making",
        (
            ("training", "Training"),
            ("components", "Components and options"),
            ("stages", "Stages"),
            ("environment", "Environment"),
            ("licences", "Licences"),
        ),
    ),
)


@dataclass(frozen=True)
class Section:
    """Charts under a heading.

    Attributes:
        anchor: link target.
        title, note: heading, and how to read the charts.
        groups: the charts.
    """

    anchor: str
    title: str
    note: str
    groups: Sequence[Group]


@dataclass(frozen=True)
class Parts:
    """Parts computed from a run's data; None or empty if there is nothing to show."""

    scores: ScoreTables | None
    people: PeopleSection | None
    card: CardSection | None
    sections: Mapping[str, Section]


def write_report(data: ReportData, path: Path) -> None:
    """Write a report as one HTML file, atomically."""
    write_text(path, render(data))


def render(data: ReportData) -> str:
    """The page: valid HTML5 in one file; its policy allows only its own script, by hash."""
    estimates = _estimates(data)
    parts = Parts(
        scores=score_tables(data.scores),
        people=people_section(data.scores, headings(data.scores)),
        card=card_section(data.card),
        sections=_sections(data, estimates),
    )
    context = {
        **vars(parts),
        "data": data,
        "notes": [*data.notes, *(figures.gaps(estimates) if estimates else ())],
        "headline": _headline(parts.scores),
        "chain": [(c.role, c.name.rpartition("/")[2]) for c in data.choices if c.role in CHAIN],
        "choices": [astuple(choice) for choice in data.choices],
        "settings": [astuple(setting) for setting in data.settings],
        "stages": _stages(data.stages),
        "licences": [(e.what, e.licence, e.weights, e.data, e.paper) for e in data.licences],
    }
    return render_page("page.html", data.title, data.summary, _present(data, parts), context)


def render_page(
    template: str,
    title: str,
    facts: Mapping[str, str],
    present: Iterable[str],
    context: Mapping[str, Any],
    contents: Sequence[tuple[str, Links]] = CONTENTS,
) -> str:
    """Render a page from a template that extends `base.html`.

    Args:
        template: name of the template in this package.
        title, facts: shown at the top.
        present: anchors of the sections on the page.
        context: further variables of the template.
        contents: headings with the (anchor, name) of all possible sections.
    """
    environment = Environment(
        loader=PackageLoader("aukit.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"data_uri": data_uri, "zip": zip, "person": person_of}
    style, script = (_read(name) for name in ("style.css", "script.js"))
    there = set(present)
    shown = [(head, [link for link in links if link[0] in there]) for head, links in contents]
    frame = {
        "title": title,
        "facts": facts,
        "style": Markup(style),
        "script": Markup(script),
        "script_hash": f"sha256-{base64.b64encode(sha256(script.encode()).digest()).decode()}",
        "contents": [(head, links) for head, links in shown if links],
    }
    return environment.get_template(template).render({**context, **frame})


def _read(name: str) -> str:
    return resources.files("aukit.report").joinpath(name).read_text(encoding="utf-8")


def person_of(caption: str) -> str:
    """The person in a picture: captions begin with it, `P03: 12=4` or `P03 smile #7`."""
    return caption.partition(":")[0].partition(" ")[0]


def data_uri(image: bytes) -> str:
    """An encoded picture as a `data:` address.

    Raises:
        ValueError: the picture is neither PNG, JPEG nor WebP.
    """
    for signature, kind in _SIGNATURES.items():
        if image.startswith(signature):
            return f"data:image/{kind};base64,{base64.b64encode(image).decode('ascii')}"
    raise ValueError("a report shows PNG, JPEG and WebP pictures only")


def _estimates(data: ReportData) -> Estimates | None:
    table = data.predictions
    return None if table is None or table.num_rows == 0 else Estimates.of(table)


def _headline(tables: ScoreTables | None) -> list[tuple[str, Cell]]:
    """The means, with their headings."""
    if tables is None:
        return []
    mean = next(row for row in tables.units if row.total)
    return list(zip(tables.measures, mean.cells, strict=True))


def _present(data: ReportData, parts: Parts) -> Iterator[str]:
    """Anchors of the sections that the page has."""
    yield "run"
    yield from parts.sections
    card, scores = parts.card, parts.scores
    there = {
        "scores": scores,
        "views": scores and scores.views,
        "people": parts.people,
        "synthesis": card,
        "cross-talk": card and card.figures,
        "levels": card and data.card_images,
        "data": data.partitions,
        "pictures": data.images,
        "components": data.choices,
        "stages": data.stages,
        "environment": data.environment,
        "licences": data.licences,
    }
    yield from (anchor for anchor, content in there.items() if content)


def _sections(data: ReportData, estimates: Estimates | None) -> dict[str, Section]:
    note = "Scalars reported by each fit."
    made = [Section("training", "Training", note, figures.training(data.curves))]
    if data.distribution is not None:
        note = "Coded training frames, and uses in the balanced training set. The axis is "
        "logarithmic."
        shown = figures.distributions(data.distribution)
        legend = ("before balancing", "after")
        made.append(Section("labels", "Labels", note, [Group(shown, legend=legend)]))
    if estimates is not None:
        made += _of_predictions(data.predictions, estimates)
    return {s.anchor: s for s in made if any(group.figures for group in s.groups)}


def _of_predictions(table: Any, estimates: Estimates) -> Iterator[Section]:
    note = "Mean estimate at each true level; the bars span the middle 80 % of the frames."
    yield _section("agreement", "Predicted vs. true", note, figures.agreements(estimates))
    note = (
        "Frames of each true level (row) by estimated level (column), in %; rows sum to 100. "
        "On the right, the number of frames with that true level; rows with few are unreliable."
    )
    yield _section("confusion", "Confusion of levels", note, figures.confusions(estimates))
    rule, groups = timelines(table, estimates)
    yield Section("time", "Over time", rule, groups)


def _section(anchor: str, title: str, note: str, charts: Sequence[Figure]) -> Section:
    return Section(anchor, title, note, [Group(charts)])


def _stages(stages: Sequence[Stage]) -> list[tuple[Stage, Markup]]:
    longest = max((stage.seconds for stage in stages), default=0) or 1
    return [(stage, share_bar(stage.seconds / longest)) for stage in stages]
