"""A planned comparison: its runs and their folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aukit.comparison.definition import Definition
from aukit.comparison.grid import Cell, Trial, cells_of, seeds_of, trials_of
from aukit.config.resolve import resolve
from aukit.data.folds import LEAVE_ONE_OUT, NO_FOLD, folds_of
from aukit.errors import ConfigError
from aukit.registry.loading import Registry
from aukit.runs.folder import FINISHED, named_folder, read_state, refuse_name

COMPARISON = "comparison.json"


@dataclass(frozen=True)
class Comparison:
    """A planned comparison.

    Attributes:
        definition: its definition.
        cells: the cells, in grid order.
        trials: the runs of all cells.
        baseline: the cell to compare with.
        folder: folder of the comparison.
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
        """Whether a trial is finished."""
        return read_state(self.place(trial)).get("state") == FINISHED

    @property
    def size(self) -> str:
        """Number of runs and cells, in words."""
        runs, cells = len(self.trials), len(self.cells)
        return f"{runs} run{'s' * (runs != 1)} of {cells} cell{'s' * (cells != 1)}"

    def of_cell(self, cell: Cell) -> list[Trial]:
        """The runs of a cell."""
        return [trial for trial in self.trials if trial.cell is cell]


def plan_comparison(
    registry: Registry, definition: Definition, output: Path, name: str | None = None
) -> Comparison:
    """Resolve everything that a comparison names, without computing anything.

    Args:
        registry: where names are looked up.
        definition: the comparison.
        output: folder of run folders.
        name: name of the comparison's folder below `output`; if None, derived from what is
            compared.

    Raises:
        ConfigError: the definition is invalid.
    """
    if name is not None:
        refuse_name(name)
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
    """The folds of a cell; only leave-one-person-out needs to know the people."""
    spec = NO_FOLD if definition.folds is None else str(definition.folds)
    if spec == NO_FOLD:
        return [NO_FOLD]
    set_by = [origin for origin, document in definition.layers if "fold" in document]
    if set_by or "fold" in definition.axes:
        raise ConfigError("fold is set, and folds are too", "leave one of them out")
    return folds_of(spec, _people(registry, cell) if spec == LEAVE_ONE_OUT else ())


def _people(registry: Registry, cell: Cell) -> list[str]:
    from aukit.config.choice import make
    from aukit.contracts.context import Context
    from aukit.pipeline.stages.fold import people_of
    from aukit.registry.loading import resolve_weights

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
    raise ConfigError(f"the baseline '{wanted}' is not a cell", f"cells: {names}")
