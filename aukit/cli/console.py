"""All terminal output; the only module that imports rich.

Results go to standard output, everything else to standard error, so that output can be piped.
"""

from __future__ import annotations

import os
import sys
import textwrap
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichBars
    from rich.progress import TaskID
    from rich.table import Table
    from rich.text import Text

PLAIN_WIDTH = 120
"""Width of tables that do not go to a terminal (rich would fold them at 80 columns)."""


STACKED_HEADING, NAME_WIDTH = 11, 12
"""Most characters in a line of a heading, and fewest in a name, when a table is stacked."""


@dataclass(frozen=True)
class Spread:
    """A cell with a value and its interval, side by side or, in a narrow terminal, stacked."""

    value: str
    low: str
    high: str

    def __str__(self) -> str:
        return f"{self.value} [{self.low}, {self.high}]"

    @property
    def stacked(self) -> str:
        """The value, with its interval on the next line."""
        return f"{self.value}\n{self.low}..{self.high}"


def console(stream: TextIO) -> Console:
    """A console that writes to a stream."""
    from rich.console import Console

    width = None if stream.isatty() or "COLUMNS" in os.environ else PLAIN_WIDTH
    return Console(file=stream, width=width, highlight=False, soft_wrap=False)


def say(text: str) -> None:
    """Print a line for the user, on standard error."""
    sys.stderr.write(text + "\n")


def table(
    title: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    numeric: Sequence[str] = (),
    stream: TextIO | None = None,
) -> None:
    """Draw a table.

    In a narrow terminal, intervals are stacked under their values. If that is still too wide, the
    columns are spread over several tables. Names break between words.

    Args:
        title: printed above it.
        columns: headings; none are shown if all are empty.
        rows: cells, shown by `str`; None is an empty cell.
        numeric: headings of the right-aligned columns.
        stream: standard output if None.
    """
    from rich.text import Text

    out = console(stream or sys.stdout)
    cells = [list(row) for row in rows]
    drawn = [_drawn(columns, cells, numeric)]
    intervals = any(isinstance(cell, Spread) for row in cells for cell in row)
    if intervals and _width(out, drawn[0]) > out.width:
        drawn = _stacked(out, columns, cells, numeric)
    # Not as the table's own title, which would be folded to the table's width.
    out.print(Text(title, style="bold"))
    if not intervals and _least_width(cells, columns, numeric) > out.width:
        for row in cells:
            out.print(*_listed(columns, row), sep="\n", end="\n\n")
        return
    out.print(*drawn)


def _least_width(
    rows: Sequence[Sequence[object]], columns: Sequence[str], numeric: Sequence[str]
) -> int:
    """Width below which cells would break within words or numbers."""

    def width(place: int, name: str) -> int:
        texts = [name, *(_shown(row[place], False) for row in rows)]
        if name in numeric:
            return max(map(len, texts))
        # Long words, such as paths, may be broken.
        return min(NAME_WIDTH, max(len(word) for text in texts for word in [*text.split(), ""]))

    return sum(width(place, name) + 2 for place, name in enumerate(columns))


def _listed(columns: Sequence[str], row: Sequence[object]) -> Iterator[Text]:
    """A row as lines of `heading: value`, for terminals that are too narrow for the table."""
    from rich.text import Text

    for name, cell in zip(columns, row, strict=True):
        if text := _shown(cell, False):
            yield Text(f"{name}: {text}" if name else text, overflow="fold")


def _width(out: Console, drawn: Table) -> int:
    """Width of a table without any limit."""
    return out.measure(drawn, options=out.options.update_width(sys.maxsize)).maximum


def _stacked(
    out: Console,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    numeric: Sequence[str],
) -> list[Table]:
    """As few tables as the width allows, each with the first column and some of the others."""

    def part(places: Sequence[int], **style: int) -> Table:
        shown = [[row[place] for place in (0, *places)] for row in rows]
        names = [columns[place] for place in (0, *places)]
        return _drawn(names, shown, numeric, stacked=True, **style)

    for count in range(1, len(columns)):
        size = -(-(len(columns) - 1) // count)
        split = [range(n, min(n + size, len(columns))) for n in range(1, len(columns), size)]
        widths = (_width(out, part(places, name_width=NAME_WIDTH)) for places in split)
        if size == 1 or max(widths) <= out.width:
            return [part(places) for places in split]
    return [part(())]


def _drawn(
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    numeric: Sequence[str],
    stacked: bool = False,
    name_width: int | None = None,
) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    padding = (0, 0) if stacked else (0, 1)
    drawn = Table(box=box.SIMPLE_HEAD, show_header=any(columns), padding=padding)
    for number, name in enumerate(columns):
        flush = name in numeric
        drawn.add_column(
            textwrap.fill(name, STACKED_HEADING) if stacked and flush else name,
            justify="right" if flush else "left",
            no_wrap=flush,
            overflow="fold",
            max_width=name_width if number == 0 else None,
        )
    for row in rows:
        # Text, not markup: a value such as "[0, 1]" must stay as it is.
        drawn.add_row(*(Text(_shown(cell, stacked)) for cell in row))
    return drawn


def _shown(cell: object, stacked: bool) -> str:
    if isinstance(cell, Spread) and stacked:
        return cell.stacked
    return "" if cell is None else str(cell)


class RichProgress:
    """Progress bars on standard error; without a terminal, a line now and then and one at the end.

    Args:
        stream: used instead of standard error.
        every: seconds between two lines about a task when there is no terminal.
    """

    def __init__(self, stream: TextIO | None = None, every: float = 30.0) -> None:
        self._stream = stream or sys.stderr
        self.every = every
        self._bars: RichBars | None = None
        self._running = 0

    def start(self, name: str, total: int | None = None) -> RichBar:
        """Start a task."""
        if not self._stream.isatty():
            return RichBar(self, name, total, None)
        bars = self._bars or self._open()
        self._running += 1
        return RichBar(self, name, total, bars.add_task(name, total=total, remark=""))

    def _open(self) -> RichBars:
        from rich import progress

        self._bars = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
            progress.TextColumn("{task.fields[remark]}"),
            console=console(self._stream),
        )
        self._bars.start()
        return self._bars

    def show(self, task: TaskID | None, advance: int = 0, remark: str | None = None) -> None:
        """Redraw a bar."""
        if self._bars is None or task is None:
            return
        if remark is None:
            self._bars.update(task, advance=advance)
        else:
            self._bars.update(task, advance=advance, remark=remark)

    def close(self, task: TaskID | None) -> None:
        """End a task; the last one releases the terminal."""
        if self._bars is None or task is None:
            return
        self._running -= 1
        if self._running == 0:
            self._bars.stop()
            self._bars = None

    def line(self, text: str) -> None:
        """Print a line if bars cannot be drawn."""
        if not self._stream.isatty():
            self._stream.write(text + "\n")
            self._stream.flush()


class RichBar:
    """A bar of `RichProgress`."""

    def __init__(
        self, owner: RichProgress, name: str, total: int | None, task: TaskID | None
    ) -> None:
        self._owner = owner
        self._name = name
        self._total = total
        self._task = task
        self._done = 0
        self._remark = ""
        self._begin = time.monotonic()
        self._ended = threading.Event()

    def _tell(self) -> None:
        while not self._ended.wait(self._owner.every):
            of = f" of {self._total}" if self._total else ""
            self._line(f"{self._done}{of} after")

    def _line(self, state: str) -> None:
        seconds = time.monotonic() - self._begin
        self._owner.line(f"{self._name}: {state} {seconds:.1f} s {self._remark}".rstrip())

    def __enter__(self) -> Self:
        if self._task is None:
            # In a thread, since the work may not return here for hours.
            threading.Thread(target=self._tell, name="progress", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._owner.close(self._task)
        count = f", {self._done}" if self._done else ""
        self._line(f"{'stopped' if kind else 'done'}{count} in")

    def advance(self, n: int = 1) -> None:
        """Advance by `n` items."""
        self._done += n
        self._owner.show(self._task, advance=n)

    def note(self, text: str) -> None:
        """Replace the remark beside the bar."""
        self._remark = text
        self._owner.show(self._task, remark=text)
