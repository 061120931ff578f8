"""The report as a file: whole, self-contained, escaped, and right in what it says."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from aukit.contracts.context import Context
from aukit.report import (
    Choice,
    Curve,
    Distribution,
    ImageGroup,
    Licence,
    Partition,
    ReportData,
    Setting,
    Stage,
    render,
    write_report,
)
from aukit.report.page import CONTENTS
from aukit.scoring.scores import score_predictions
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig

HOSTILE = "<script>alert('x')</script> & \"quoted\""
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Outline(HTMLParser):
    """Collects tags and text, and complains about tags that do not match."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def attributes(self, name: str) -> list[str]:
        return [found for _, attrs in self.tags if (found := attrs.get(name)) is not None]


def outline(page: str) -> Outline:
    parser = Outline()
    parser.feed(page)
    parser.close()
    assert parser.open == [], "every tag is closed"
    return parser


def test_page_is_well_formed_and_complete(full: ReportData) -> None:
    page = render(full)
    assert page.lstrip().startswith("<!DOCTYPE html>")
    found = outline(page)
    text = " ".join(found.text)
    for expected in (
        full.title,
        full.command,
        "AU12: no training frame at level 5",
        "no face found: 7",
        "AU17 chin raiser",
        "aukit-facs/vgg16",
        "Niinuma et al. 2021",
        "valid_icc",
        "run.toml",
        "reused",
        "2,391",
        "aukit run --seed 0",
        "CC-BY-4.0",
    ):
        assert expected in text
    anchors = [target[1:] for target in found.attributes("href")]
    assert set(anchors) <= set(found.attributes("id"))
    contents = {anchor for _, links in CONTENTS for anchor, _ in links}
    without_synthesizer = contents - {"synthesis", "cross-talk", "levels"}
    assert set(anchors) == without_synthesizer | {"top"}


def test_charts_are_valid_svg_with_a_title(full: ReportData) -> None:
    page = render(full)
    drawings = re.findall(r"<svg.*?</svg>", page, re.DOTALL)
    named = [ET.fromstring(drawing) for drawing in drawings if "role=" in drawing]
    # one chart an AU for agreement, confusion and labels; three sequences of three AUs; the people;
    # two curves
    assert len(named) == 6 * 3 + 9 + 1 + 2
    assert all(drawing.attrib["aria-label"] for drawing in named)
    coordinates = re.findall(
        r' (?:x|y|cx|cy|x1|x2|y1|y2|width|height)="([^"]*)"', "".join(drawings)
    )
    assert np.isfinite([float(value) for value in coordinates]).all()


def test_page_asks_nothing_of_anybody(full: ReportData) -> None:
    page = render(full)
    found = outline(page)
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    hashed = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert len(scripts) == 1
    assert f"script-src 'sha256-{hashed}'" in page
    assert not {"link", "iframe", "object", "embed", "base"} & {t for t, _ in found.tags}
    assert all(source.startswith("data:image/") for source in found.attributes("src"))
    assert all(target.startswith("#") for target in found.attributes("href"))
    assert "http://" not in page
    assert "https://" not in page
    assert "url(" not in page
    assert "@import" not in page
    assert not [name for _, attrs in found.tags for name in attrs if name.startswith("on")]


def _hostile(full: ReportData) -> ReportData:
    """The report with `HOSTILE` wherever a text comes from outside."""
    assert full.predictions is not None
    place = full.predictions.column_names.index("subject")
    subjects = pa.array([HOSTILE] * full.predictions.num_rows)
    return dataclasses.replace(
        full,
        title=HOSTILE,
        command=HOSTILE,
        summary={HOSTILE: HOSTILE},
        notes=[HOSTILE],
        choices=[Choice(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        settings=[Setting(HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        stages=[Stage(HOSTILE, 1)],
        partitions=[Partition(HOSTILE, 1, 1, 0, {HOSTILE: 1}, [HOSTILE])],
        images=[ImageGroup(HOSTILE, [(full.images[0].images[0][0], HOSTILE)], HOSTILE)],
        predictions=full.predictions.set_column(place, "subject", subjects),
        curves=[
            Curve(HOSTILE, HOSTILE, [0, 1], [1, 2], HOSTILE),
            Curve(HOSTILE, HOSTILE, [0], [1], "b"),
        ],
        typed=HOSTILE,
        run_file=HOSTILE,
        environment={HOSTILE: HOSTILE},
        licences=[Licence(HOSTILE, HOSTILE, HOSTILE, HOSTILE, HOSTILE)],
        scores={
            **full.scores,
            "views": {HOSTILE: full.scores},
            "people": {f"{HOSTILE}/{n}": person for n, person in full.scores["people"].items()},
        },
    )


def test_text_from_outside_stays_text(full: ReportData) -> None:
    page = render(_hostile(full))
    found = outline(page)
    assert [tag for tag, _ in found.tags].count("script") == 1  # the page's own
    assert " ".join(found.text).count("<script>alert('x')</script>") >= 20
    for drawing in re.findall(r"<svg.*?</svg>", page, re.DOTALL):
        ET.fromstring(drawing)


def test_an_empty_report_is_still_a_page() -> None:
    found = outline(render(ReportData("nothing yet")))
    assert "nothing yet" in " ".join(found.text)
    assert found.attributes("href") == ["#run", "#top"]


def test_undefined_scores_are_said_to_be_so() -> None:
    nothing = {"icc": {"value": None, "low": None, "high": None}}
    some = {"icc": {"value": 0.5, "low": None, "high": None}}
    page = render(ReportData("t", scores={"mean": some, "AU01": nothing, "AU12": some}))
    rows = re.findall(r"<tr.*?</tr>", page, re.DOTALL)
    row = next(row for row in rows if "AU01" in row)
    assert "undefined" in row
    assert "0.000" not in row
    assert "<svg" not in row


def test_a_partial_report_survives_gaps(full: ReportData) -> None:
    assert full.predictions is not None
    empty = full.predictions.slice(0, 0)
    lone = full.predictions.slice(0, 1)
    uncoded = full.predictions.set_column(
        full.predictions.column_names.index("AU01"),
        full.predictions.schema.field("AU01"),
        pa.nulls(full.predictions.num_rows, pa.float32()),
    )
    for table in (empty, lone, uncoded):
        outline(render(ReportData("t", predictions=table)))
    assert "AU01 is coded in no scored frame" in render(ReportData("t", predictions=uncoded))
    nothing = np.zeros((1, 6), np.int64)
    outline(render(ReportData("t", distribution=Distribution(("AU01",), nothing, nothing))))
    gaps = Curve("fit", "loss", [0, 1, 2], [float("nan"), 1.0, float("nan")])
    none = Curve("fit", "other", [0], [float("nan")])
    found = outline(render(ReportData("t", curves=[gaps, none])))
    assert "loss" in found.text
    assert "other" not in found.text


def test_an_au_that_never_occurs_is_named_and_undefined(full: ReportData) -> None:
    assert full.predictions is not None
    place = full.predictions.column_names.index("AU17")
    zeros = pa.array(np.zeros(full.predictions.num_rows, np.float32))
    table = full.predictions.set_column(place, full.predictions.schema.field("AU17"), zeros)
    flat = table.column_names.index("AU17_predicted")
    table = table.set_column(flat, table.schema.field("AU17_predicted"), zeros)
    scores = score_predictions(table, [Intensity(IntensityConfig(), Context())], draws=20)
    page = render(ReportData("t", predictions=table, scores=scores))
    assert "AU17 is present in no scored frame" in page
    row = next(row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if "chin raiser" in row)
    icc = re.findall(r"<td>(.*?)</td>", row, re.DOTALL)[0]
    assert icc == "undefined"


def test_a_run_of_thousands_of_people_stays_a_small_page(
    make_predictions: Callable[..., pa.Table],
) -> None:
    table = make_predictions(people=3000, length=6, aus=("AU01", "AU12"))
    scores = score_predictions(table, [Intensity(IntensityConfig(), Context())], draws=0)
    page = render(ReportData("t", predictions=table, scores=scores))
    assert "3,000 people" in page
    assert len(page) < 150_000


def test_a_run_of_one_person_has_no_chart_of_people(
    make_predictions: Callable[..., pa.Table],
) -> None:
    table = make_predictions(people=1)
    scores = score_predictions(table, [Intensity(IntensityConfig(), Context())], draws=20)
    page = render(ReportData("t", predictions=table, scores=scores))
    section = re.search(r'<section id="people">.*?</section>', page, re.DOTALL)
    assert section is not None
    assert "<svg" not in section[0]
    assert ">p0<" in section[0]


def test_writing_replaces_the_file_at_once(full: ReportData, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(full, path)
    assert path.read_text(encoding="utf-8") == render(full)
    assert list(tmp_path.iterdir()) == [path]
    broken = dataclasses.replace(full, images=[ImageGroup("bad", [(b"not a picture", "x")])])
    with pytest.raises(ValueError, match="PNG"):
        write_report(broken, path)
    assert path.read_text(encoding="utf-8") == render(full)
