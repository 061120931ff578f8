"""Progress: silent by default, one line each where there is no terminal."""

from __future__ import annotations

import io
import time

import pytest

from aukit.cli.console import RichProgress, table
from aukit.progress import Progress, Silent


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def work(progress: Progress) -> None:
    with progress.start("align", 3) as bar:
        bar.advance(2)
        bar.note("loss 0.5")
        bar.advance()


def test_silence_takes_everything() -> None:
    work(Silent())


def test_where_there_is_no_terminal_a_finished_piece_is_one_line() -> None:
    stream = io.StringIO()
    work(RichProgress(stream))
    (line,) = stream.getvalue().splitlines()
    assert line.startswith("align: done, 3 in ")
    assert line.endswith("loss 0.5")


def test_a_piece_that_fails_says_so() -> None:
    stream = io.StringIO()
    with pytest.raises(ZeroDivisionError), RichProgress(stream).start("fit") as bar:
        bar.advance(1 // 0)
    assert stream.getvalue().startswith("fit: stopped in ")


def test_bars_on_a_terminal_give_it_back() -> None:
    stream = Terminal()
    progress = RichProgress(stream)
    with progress.start("outer", 2) as outer:
        work(progress)
        outer.advance(2)
    work(progress)
    assert "align" in stream.getvalue()
    assert "3/3" in stream.getvalue()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 2


def test_cells_are_text_not_markup() -> None:
    stream = io.StringIO()
    table("T", ("a", "b"), [("[red]x[/red]", None), ("[0, 1]", 2)], numeric=("b",), stream=stream)
    assert "[red]x[/red]" in stream.getvalue()
    assert "[0, 1]" in stream.getvalue()


def test_where_there_is_no_terminal_long_work_says_now_and_then_how_far_it_is() -> None:
    stream = io.StringIO()
    with RichProgress(stream, every=0.01).start("fit", 8) as bar:
        bar.advance(3)
        bar.note("loss 0.5")
        end = time.monotonic() + 20
        while "fit: 3 of 8 after " not in stream.getvalue() and time.monotonic() < end:
            time.sleep(0.01)
    assert "fit: 3 of 8 after " in stream.getvalue()
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("fit: done, 3 in ")
