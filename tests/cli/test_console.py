"""Tables on a terminal: readable at any width."""

from __future__ import annotations

import io
import re

import pytest

from aukit.cli.console import Spread, table

NAMES = ("PSNR where the picture changes", "Fréchet distance of features")
COLUMNS = ("painted faces", "copied", "true pictures", "real")


def drawn(monkeypatch: pytest.MonkeyPatch, width: int) -> str:
    """A table with intervals as a terminal of some width shows it."""
    monkeypatch.setenv("COLUMNS", str(width))
    stream = io.StringIO()
    cells = [Spread(f"{n}.25", f"{n}.125", f"{n}.375") for n in (10, 20, 30, 40)]
    rows = [(NAMES[0], *cells), (NAMES[1], cells[3], "undefined", None, cells[0])]
    table("A title", ("measure", *COLUMNS), rows, numeric=COLUMNS, stream=stream)
    return stream.getvalue()


@pytest.mark.parametrize("width", [50, 60, 80, 110, 200])
def test_nothing_is_cut_off_at_any_width(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    text = drawn(monkeypatch, width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for word in " ".join((*NAMES, *COLUMNS, "undefined")).split():
        assert word in text.split(), word
    for number in (10, 20, 30, 40):
        shown = rf"{number}\.25 \[{number}\.125, {number}\.375\]|{number}\.125\.\.{number}\.375"
        assert re.search(shown, text), number


def test_intervals_stand_beside_their_values_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "10.25 [10.125, 10.375]" in drawn(monkeypatch, 200)
    assert "[" not in drawn(monkeypatch, 80)


def test_columns_that_do_not_fit_follow_in_a_second_table(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawn(monkeypatch, 80).count("measure") == 1
    assert drawn(monkeypatch, 50).count("measure") == 2


def test_texts_in_brackets_are_no_markup() -> None:
    stream = io.StringIO()
    table("t", ("a", "b"), [("[bold]", "[0, 1]")], stream=stream)
    assert "[bold]" in stream.getvalue()
    assert "[0, 1]" in stream.getvalue()
