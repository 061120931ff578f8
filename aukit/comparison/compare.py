"""A whole comparison: the grid, its runs, the scores, and the files that tell of it."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from aukit.comparison.attempts import Attempt, attempt_all
from aukit.comparison.definition import Definition
from aukit.comparison.grid import Cell, Trial, cells_of, seeds_of, trials_of
from aukit.errors import ConfigError
from aukit.folds import LEAVE_ONE_OUT, NO_FOLD, folds_of
from aukit.registry import Registry
from aukit.run_config import resolve
from aukit.runs import FINISHED, named_folder, read_state
from aukit.store import ensure_writable, write_json, write_text

COMPARISON = "comparison.json"


@dataclass(frozen=True)
class Comparison:
    """What is to be run.

    Attributes:
        definition: what was asked for.
        cells: the cells, in the order of the grid.
        trials: their runs.
        baseline: the cell that others are compared with.
        folder: where everything is, or will be.
    """

    definition: Definition
    cells: Sequence[Cell]
    trials: Sequence[Trial]
    baseline: Cell
    folder: Path

    def place(self, trial: Trial) -> Path:
        """The run folder of a trial."""
        return named_folder(self.folder / trial.name, trial.config)

    def is_finished(self, trial: Trial) -> bool:
        """Whether a trial need not run again."""
        return read_state(self.place(trial)).get("state") == FINISHED

    @property
    def size(self) -> str:
        """How much there is to run, in words."""
        runs, cells = len(self.trials), len(self.cells)
        return f"{runs} run{'s' * (runs != 1)} of {cells} cell{'s' * (cells != 1)}"

    def of_cell(self, cell: Cell) -> list[Trial]:
        """The runs of a cell."""
        return [trial for trial in self.trials if trial.cell is cell]


def plan_comparison(
    registry: Registry, definition: Definition, output: Path, name: str | None = None
) -> Comparison:
    """Look up everything that a comparison names; nothing is computed.

    Args:
        registry: where names are looked up.
        definition: what is to be compared.
        output: folder of run folders.
        name: of the comparison's folder, below `output`; made of what is compared if None.

    Raises:
        ConfigError: with one line of what cannot be.
    """
    seeds = seeds_of(definition)
    cells = cells_of(registry, definition)
    folds = {cell.label: _folds(registry, definition, cell) for cell in cells}
    trials = trials_of(registry, cells, seeds, folds)
    return Comparison(
        definition=definition,
        cells=cells,
        trials=trials,
        baseline=_baseline(cells, definition.baseline),
        folder=output / (name or definition.folder),
    )


def _folds(registry: Registry, definition: Definition, cell: Cell) -> list[str]:
    """The folds of a cell; only leaving one person out needs to know who there is."""
    spec = NO_FOLD if definition.folds is None else str(definition.folds)
    if spec == NO_FOLD:
        return [NO_FOLD]
    set_by = [origin for origin, document in definition.layers if "fold" in document]
    if set_by or "fold" in definition.axes:
        raise ConfigError("fold is set, and folds are too", "leave one of them out")
    return folds_of(spec, _people(registry, cell) if spec == LEAVE_ONE_OUT else ())


def _people(registry: Registry, cell: Cell) -> list[str]:
    from aukit.contracts.context import Context
    from aukit.pipeline.fold_faces import people_of
    from aukit.pipeline.guard import make
    from aukit.registry import resolve_weights

    config = resolve(registry, cell.layers)
    data = make(config.need("data"), Context("cpu", config.options.seed, resolve_weights))
    return people_of(data.index())


def _baseline(cells: Sequence[Cell], wanted: str | None) -> Cell:
    if wanted is None:
        return cells[0]
    for cell in cells:
        if wanted.replace(" ", "") == cell.label.replace(" ", ""):
            return cell
    names = "; ".join(cell.label for cell in cells)
    raise ConfigError(f"the baseline '{wanted}' is no cell", f"cells: {names}")


def compare(
    comparison: Comparison,
    attempt: Attempt,
    jobs: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run what is not finished, and gather scores, differences and costs.

    Args:
        comparison: what to run.
        attempt: makes a run.
        jobs: how many at a time.
        say: told in one line of each run that ends.

    Returns:
        what `comparison.json` holds; see `aukit.comparison.summary`.

    Raises:
        ConfigError: another process is at work on this comparison.
        StorageError: the folder cannot be written.
    """
    from aukit.comparison.files import write_files
    from aukit.comparison.summary import summarize

    ensure_writable(comparison.folder)
    with _alone(comparison.folder):
        typed = [Path(sys.argv[0]).name, *sys.argv[1:]]
        write_text(comparison.folder / "command.txt", shlex.join(typed) + "\n")
        errors = _run(comparison, attempt, jobs, say)
        document = summarize(comparison, errors)
        write_json(comparison.folder / COMPARISON, document)
        write_files(document, comparison.folder)
    return document


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise ConfigError(
            f"another process is at work on {folder}", "wait for it, or choose another --name"
        ) from None


def _run(
    comparison: Comparison, attempt: Attempt, jobs: int, say: Callable[[str], None]
) -> Mapping[str, str]:
    """Name of each trial that failed -> why."""
    todo = [(t, comparison.place(t)) for t in comparison.trials if not comparison.is_finished(t)]
    count = len(comparison.trials)
    if found := count - len(todo):
        say(f"{found} of {count} runs are finished already")
    errors: dict[str, str] = {}
    for number, (trial, error) in enumerate(attempt_all(todo, attempt, jobs), found + 1):
        if error is not None:
            errors[trial.name] = error
        say(f"[{number}/{count}] {trial.label}: {'done' if error is None else f'failed: {error}'}")
    return errors
