"""The score card in the report and in rows of tables."""

from __future__ import annotations

import copy
import itertools
import re
from typing import Any

from aukit.report import ReportData, render
from aukit.report.card import card_section
from aukit.report.card_rows import digits, summary, tables, units
from aukit.report.heat_maps import change_map


def entry(value: float | None, spread: float = 0.1) -> dict[str, float | None]:
    if value is None:
        return {"value": None, "low": None, "high": None}
    return {"value": value, "low": value - spread, "high": value + spread}


def near(value: float) -> dict[str, Any]:
    measures = ("l1", "psnr", "ssim")
    table = {
        key: {name: entry(value) for name in measures} for key in ("painted", "copied", "gain")
    }
    return {"requests": 3, "face": table, "changes": copy.deepcopy(table)}


def agreement(value: float | None) -> dict[str, Any]:
    scores = {name: entry(value) for name in ("icc", "mae", "pcc", "spearman")}
    table = {"mean": scores, "AU12": scores}
    return {
        "levels": {"painted": table, "truth": table},
        "vectors": {"painted": table, "real": table},
    }


TALK = {
    "painted": [[None, None], [None, 4.25]],
    "truth": [[None, None], [None, 5.0]],
    "summary": {
        "painted, the AU itself": entry(4.25),
        "painted, other AUs": entry(None),
        "truth, the AU itself": entry(5.0),
        "truth, other AUs": entry(None),
        "other AUs, painted from truth": entry(None),
    },
}

CARD: dict[str, Any] = {
    "schema": "aukit.score-card/1",
    "aus": ["AU01", "AU12"],
    "requests": {"people": 4, "levels": 12, "vectors": 50},
    "notes": ["<b>careful</b>"],
    "closeness": {"all": near(27.5), "AU12": near(1.25)},
    "change": {"mean": {"amount": entry(0.37), "direction": entry(0.52)}},
    "regions": {
        "AU12": {"reach": 0.03, "attention": 0.02}, "all": {"reach": 0.2, "attention": 0.1},
    },
    "own": agreement(0.11),
    "agreement": {"estimator": agreement(0.71)},
    "cross_talk": {"estimator": {"aus": ["AU01", "AU12"], "3": TALK, "5": TALK}},
    "distance": [
        {
            "name": "Fréchet distance, toys, png", "dimensions": 9, "enough": False,
            "pictures": {"painted": 5, "real": 5},
            "painted": entry(3.5), "copied": entry(4.5), "real": entry(0.5),
        }
    ],
    "identity": [
        {
            "name": "identity distance, toy", "painted from given": entry(0.2),
            "same person, real": entry(0.3), "other person, real": entry(0.9),
        }
    ],
}  # fmt: skip


def test_every_part_of_a_card_becomes_a_row() -> None:
    rows = {row.name: row for row in summary(CARD)}
    assert rows["PSNR, dB, face"].cells["gain"]["value"] == 27.5
    assert rows["ICC, single AUs: estimator"].cells["true"]["value"] == 0.71
    assert rows["AU set to 5 moves by: estimator"].cells["painted"]["value"] == 4.25
    assert rows["share of the true change, single AUs"].cells["painted"]["value"] == 0.37
    assert rows["cosine with it, single AUs"].cells["painted"]["value"] == 0.52
    assert rows["MAE, whole faces: the network it learned from"].cells["real"]["value"] == 0.11
    assert rows["others move by: estimator"].cells["painted"]["value"] is None
    assert rows["Fréchet distance, toys, png"].remark == "too few pictures"
    assert rows["Fréchet distance, toys, png"].cells["real"]["value"] == 0.5
    identity = rows["identity distance, toy, synthetic to input"]
    assert identity.cells["real"]["value"] == 0.3
    assert "0.9" in identity.remark


def test_an_au_has_a_row_where_the_judge_knows_it() -> None:
    (row,) = units(CARD)["estimator"]
    assert row[0].startswith("AU12")
    assert row[1][0]["value"] == 1.25
    assert row[1][1]["value"] == 0.71


def test_regions_have_a_table_with_a_row_for_all_together() -> None:
    last = list(tables(CARD, ""))[-1]
    assert [name for name, _, _ in last.rows] == ["AU12 lip corner puller", "all together"]
    assert [cell["value"] for cell in last.rows[1][2] if cell is not None] == [0.2, 0.1]
    older = {key: value for key, value in CARD.items() if key not in ("regions", "own", "change")}
    assert "region" not in list(tables(older, ""))[-1].title


def test_a_card_without_truth_or_judges_has_no_rows() -> None:
    empty = {**CARD, "closeness": None, "change": None, "agreement": {}, "cross_talk": {}}
    empty["own"] = None
    assert summary({**empty, "distance": [], "identity": []}) == []
    assert units(empty) == {}


def test_the_report_shows_the_card_and_escapes_its_notes() -> None:
    page = render(ReportData("run", card=CARD, card_images=[(b"\x89PNG0", "AU12 at all levels")]))
    assert "Score card of the synthesizer" in page
    assert "62 synthetic faces of 4 people" in page
    assert "&lt;b&gt;careful&lt;/b&gt;" in page
    assert "<b>careful" not in page
    assert 'alt="AU12 at all levels"' in page
    assert "AU12 set" not in page  # names in the matrix are numbers, as short as its cells
    assert "12 set, 12 moves: +4.25" in page
    assert "Score card" not in render(ReportData("run"))


def test_only_aus_that_a_judge_knows_are_in_its_matrix() -> None:
    section = card_section(CARD)
    assert section is not None
    assert [figure.caption for figure in section.figures] == [
        "in synthetic faces, judged by estimator",
        "in the true pictures, judged by estimator",
    ]
    assert "01" not in str(section.figures[0].chart)


def test_signs_have_colours_and_unknown_changes_none() -> None:
    drawn = str(change_map([[5.0, -5.0], [None, 0.0]], ["1", "2"], "title", 5.0))
    assert drawn.count('class="fill s1"') == 2
    assert drawn.count('class="fill s2"') == 1
    assert drawn.count('class="empty"') == 1
    assert 'aria-label="title"' in drawn


def test_numbers_of_many_aus_do_not_touch() -> None:
    names = [str(number) for number in range(20)]
    drawn = str(change_map([[-0.1] * 20] * 20, names, "title", 5.0))
    places = sorted({float(x) for x in re.findall(r'<text class="cell[^>]* x="([\d.]+)"', drawn)})
    assert len(places) == 20
    assert min(b - a for a, b in itertools.pairwise(places)) >= 24
    assert 'class="square large"' in drawn


def test_scores_have_about_three_digits() -> None:
    shown = [digits(value) for value in (27.53, 1.234, 0.0123, -12.3, -0.0001)]
    assert shown == ["27.5", "1.23", "0.012", "-12.3", "0.000"]


def test_an_interval_has_the_digits_of_its_score() -> None:
    assert [digits(value, 0.12) for value in (0.0123, 1.5)] == ["0.01", "1.50"]
    assert digits(0.1234, beside=0.05) == "0.123"
