"""A grid of runs before any of them has begun: what each would be, and where it would lie."""

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
    """The folds of a cell; only leaving one person out needs to know who there is."""
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
    raise ConfigError(f"the baseline '{wanted}' is no cell", f"cells: {names}")
