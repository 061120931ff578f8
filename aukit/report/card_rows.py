"""The score card of a synthesizer as rows of tables, for the console and the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aukit.au import describe

Entry = Mapping[str, float | None]

COLUMNS = ("painted", "copied", "true", "real", "gain")
"""Keys of columns: synthetic faces; unchanged input; true pictures; real faces; synthetic minus
copied."""

_MEASURES = (("psnr", "PSNR, dB"), ("ssim", "SSIM"), ("l1", "L1"))
_REGIONS = (("face", "face"), ("changes", "changed region"))
CROSS_TALK = "5"
"""Level, set from 0, whose cross-talk is shown; the card also holds others."""


@dataclass(frozen=True)
class Row:
    """One measure.

    Attributes:
        name: what is measured, with its unit.
        cells: column -> score; columns without a score are absent.
        remark: note on it.
    """

    name: str
    cells: Mapping[str, Entry]
    remark: str = ""


def summary(card: Mapping[str, Any]) -> list[Row]:
    """The measures over all AUs together."""
    parts = (_closeness, _change, _agreement, _own, _cross_talk, _distances)
    return [row for part in parts for row in part(card)]


def _closeness(card: Mapping[str, Any]) -> Iterator[Row]:
    table: Mapping[str, Any] = (card["closeness"] or {}).get("all", {})
    for measure, name in _MEASURES if table else ():
        for region, where in _REGIONS:
            found = {key: table[region][key][measure] for key in ("painted", "copied", "gain")}
            yield Row(f"{name}, {where}", found)


def _change(card: Mapping[str, Any]) -> Iterator[Row]:
    found = (card.get("change") or {}).get("mean", {})
    for key, name in (("amount", "share of the true change"), ("direction", "cosine with it")):
        if key in found:
            yield Row(f"{name}, single AUs", {"painted": found[key]})


def _own(card: Mapping[str, Any]) -> Iterator[Row]:
    table = card.get("own") or {}
    if table:
        found = {key: sets["mean"]["mae"] for key, sets in table["vectors"].items()}
        yield Row("MAE, whole faces: the network it learned from", _named(found), "not a judge")


def _agreement(card: Mapping[str, Any]) -> Iterator[Row]:
    for judge, table in card["agreement"].items():
        for kind, name in (("levels", "single AUs"), ("vectors", "whole faces")):
            found = {key: sets["mean"]["icc"] for key, sets in table[kind].items()}
            yield Row(f"ICC, {name}: {judge}", _named(found))


_MOVES = (("the AU itself", "AU set to 5 moves by"), ("other AUs", "others move by"))


def _cross_talk(card: Mapping[str, Any]) -> Iterator[Row]:
    for judge, table in card["cross_talk"].items():
        for part, name in _MOVES:
            found = {
                key: table[CROSS_TALK]["summary"][f"{key}, {part}"]
                for key in ("painted", "truth")
                if key in table[CROSS_TALK]
            }
            yield Row(f"{name}: {judge}", _named(found))


def _distances(card: Mapping[str, Any]) -> Iterator[Row]:
    for found in card["distance"]:
        sets = ("painted", "copied", "truth", "real")
        few = "" if found["enough"] else "too few pictures"
        yield Row(found["name"], _named({key: found[key] for key in sets if key in found}), few)
    for found in card.get("training distance", ()):
        few = "" if found["enough"] else "too few pictures"
        name = f"{found['name']}, training faces"
        yield Row(name, {"painted": {"value": found["value"]}}, few)
    for found in card["identity"]:
        cells = {"painted": found["painted from given"], "real": found["same person, real"]}
        other = found["other person, real"]["value"]
        remark = "" if other is None else f"other people: {other:.3g}"
        yield Row(f"{found['name']}, synthetic to input", cells, remark)


def _named(found: Mapping[str, Entry]) -> dict[str, Entry]:
    return {("true" if key == "truth" else key): entry for key, entry in found.items()}


UNIT_COLUMNS = (
    "PSNR gain, dB",
    "ICC synthetic",
    "ICC true",
    "ICC synthetic, whole",
    "ICC real, whole",
)


def units(card: Mapping[str, Any]) -> dict[str, list[tuple[str, list[Entry]]]]:
    """For each judge of intensity, a row per AU it covers: name and `UNIT_COLUMNS`."""
    return {judge: list(_units(card, table)) for judge, table in card["agreement"].items()}


def _units(card: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[tuple[str, list[Entry]]]:
    near = card["closeness"] or {}
    for au in card["aus"]:
        gain = near[au]["face"]["gain"]["psnr"] if au in near else {}
        sets = (("levels", "painted"), ("levels", "truth"), ("vectors", "painted"))
        places = (*sets, ("vectors", "real"))
        scores = [table[kind].get(key, {}).get(au, {}).get("icc", {}) for kind, key in places]
        if any(scores):
            yield describe(au), [gain, *scores]


DETECTION_COLUMNS = (
    "F1 real", "F1 synthetic", "F1 gap", "accuracy real", "accuracy synthetic", "accuracy gap"
)  # fmt: skip


def detections(card: Mapping[str, Any]) -> dict[str, list[tuple[str, list[Entry]]]]:
    """For each judge of intensity and each published detector, the mean and a row per AU: name and
    `DETECTION_COLUMNS`."""
    found = {judge: list(_detections(table)) for judge, table in card.get("detection", {}).items()}
    beside = card.get("published", {})
    return {**found, **{name: list(_detections(table)) for name, table in beside.items()}}


def _detections(table: Mapping[str, Any]) -> Iterator[tuple[str, list[Entry]]]:
    for name, sets in table.items():
        if isinstance(sets, Mapping) and "real" in sets:
            keys = ("real", "painted", "gap")
            yield (
                name if name == "mean" else describe(name),
                [sets[key][measure] for measure in ("f1", "accuracy") for key in keys],
            )


REGION_COLUMNS = ("any attention", "mean attention")


def region_shares(card: Mapping[str, Any]) -> list[tuple[str, list[Entry]]]:
    """A row per AU's region and one for their union: name and `REGION_COLUMNS`, in 0..1."""
    return [
        (
            describe(name) if name in card["aus"] else "all together",
            [{"value": found["reach"]}, {"value": found["attention"]}],
        )
        for name, found in (card.get("regions") or {}).items()
    ]


@dataclass(frozen=True)
class Table:
    """A table of scores for display.

    Attributes:
        title: heading.
        of: what a row is, `measure` or `AU`.
        columns: headings of the score columns.
        rows: name, remark, and a score per column; None if there is none.
    """

    title: str
    of: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, str, Sequence[Entry | None]]]


def tables(card: Mapping[str, Any], title: str) -> Iterator[Table]:
    """All tables of a card: all AUs together, then per judge each AU and the detections.

    Args:
        card: the card.
        title: title of the first table; may contain `{faces}` and `{people}`.
    """
    rows = summary(card)
    if rows:
        used = [name for name in COLUMNS if any(name in row.cells for row in rows)]
        lines = [(row.name, row.remark, [row.cells.get(name) for name in used]) for row in rows]
        asked = card["requests"]
        title = title.format(faces=asked["levels"] + asked["vectors"], people=asked["people"])
        shown = ["synthetic" if name == "painted" else name for name in used]
        yield Table(title, "measure", shown, lines)
    for judge, found in units(card).items():
        yield Table(f"Each AU, judged by {judge}", "AU", UNIT_COLUMNS, _unremarked(found))
    for judge, found in detections(card).items():
        title = f"Presence in real and synthetic faces with the same labels, judged by {judge}"
        yield Table(title, "AU", DETECTION_COLUMNS, _unremarked(found))

    if covered := region_shares(card):
        title = "Share of the face covered by each region"
        yield Table(title, "AU", REGION_COLUMNS, _unremarked(covered))


def _unremarked(
    rows: Sequence[tuple[str, list[Entry]]],
) -> list[tuple[str, str, Sequence[Entry | None]]]:
    return [(name, "", entries) for name, entries in rows]


def digits(value: float, beside: float | None = None) -> str:
    """A score with about three digits; ends of an interval have as many decimals as the score."""
    size = abs(value if beside is None else beside)
    places = 1 if size >= 10 else 2 if size >= 0.1 else 3
    return f"{round(value, places) + 0:.{places}f}"  # adding 0 turns -0 into 0
