"""Whole runs, comparisons, and the faces stored by runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.config.values import PYTHON
from aukit.progress import Progress
from aukit.registry.loading import default_registry

if TYPE_CHECKING:
    from aukit.pipeline.execute import Outcome
    from aukit.python.faces import FaceDataset


def run(
    settings: Mapping[str, Any] | str | Path,
    output: str | Path = "runs",
    progress: Progress | None = None,
) -> Outcome:
    """Run a whole pipeline, like `aukit run`.

    Args:
        settings: content of a run file as a mapping (dotted keys as on the command line are
            allowed, e.g. `{"aligner": "2d", "estimator.epochs": 4}`), or the path of a run file.
        output: folder of run folders.
        progress: shows progress; silent if None.

    Raises:
        AukitError: the run failed; the message says what, where and what to do.
    """
    from aukit.config.files import read_file
    from aukit.config.resolve import nest, resolve
    from aukit.pipeline.execute import execute

    registry = default_registry()
    if isinstance(settings, (str, Path)):
        layer = (str(settings), read_file(Path(settings)))
    else:
        layer = (PYTHON, nest(settings))
    return execute(resolve(registry, [layer]), Path(output), registry, progress)


def compare(
    settings: Mapping[str, Any] | str | Path,
    output: str | Path = "runs",
    *,
    seeds: int | Sequence[int] | None = None,
    folds: str | int | None = None,
    baseline: str | None = None,
    jobs: int = 1,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run a grid of configurations and compare their scores, like `aukit compare`.

    Args:
        settings: dotted keys as in `run`; a list is an axis of the grid: `{"aligner": ["2d", "3d"],
            "synth.epochs": 4}`. Or the path of a grid's run file.
        output: folder of run folders; finished runs there are reused.
        seeds: runs per cell: a count, or a list of seeds.
        folds: cross-validation over people, as for `aukit compare --folds`.
        baseline: the cell to compare with; the first if None.
        jobs: runs at a time, each in its own process.
        say: receives a line about each run that ends.

    Returns:
        the content of `comparison.json` in the comparison's folder (`aukit.comparison.summary`).

    Raises:
        AukitError: the run failed; the message says what, where and what to do.
    """
    from aukit.comparison.attempts import ended_like_interrupted
    from aukit.comparison.cluster import attempt_on, on_cluster
    from aukit.comparison.compare import compare as run_all
    from aukit.comparison.definition import define
    from aukit.comparison.planned import plan_comparison

    registry = default_registry()
    file = Path(settings) if isinstance(settings, (str, Path)) else None
    typed = {} if isinstance(settings, (str, Path)) else {k: _axis(v) for k, v in settings.items()}
    given = {"seeds": _axis(seeds), "folds": _axis(folds), "baseline": baseline}
    definition = define(registry, file, typed, **given)
    planned, cluster = on_cluster(
        plan_comparison(registry, definition, Path(output), None), registry
    )
    with ended_like_interrupted():
        return run_all(planned, attempt_on(cluster, planned, Path(output), jobs), jobs, say)


def _axis(value: Any) -> str | None:
    """Values as one would type them."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, Sequence):
        return (";" if any("," in str(one) for one in value) else ",").join(map(str, value))
    return str(value)


def faces(run: str | Path, stage: str = "align-train") -> FaceDataset:
    """The faces stored by a stage of a run, as a torch dataset.

    Args:
        run: the run's folder.
        stage: `align-train` and `align-test`: registered faces; `synthesize`: synthetic ones;
            `show-views`: those in other views.

    Raises:
        ConfigError: this is not a run folder.
        DataError: the run has no such stage, or the stage has no faces.
    """
    from aukit.python.faces import FaceDataset
    from aukit.runs.results import open_results

    results = open_results(Path(run), default_registry())
    return FaceDataset(results.need(stage).folder, results.aus)
