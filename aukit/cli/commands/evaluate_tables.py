"""`aukit evaluate TRUTH PREDICTIONS`: read the tables, score them, show the scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aukit.cli.app import emit_json
from aukit.registry.loading import Registry

if TYPE_CHECKING:
    from aukit.contracts.metric import Metric

DETECTION = ("f1", "f1_norm", "accuracy")
HEADLINE = ("icc", "mae", "f1", "f1_norm")


def show_tables(
    registry: Registry,
    truth: Path,
    predictions: Sequence[Path],
    as_json: bool,
    *,
    threshold: float,
    draws: int,
    seed: int,
    output: Path | None,
    missing: str,
    **reading: Any,
) -> None:
    """Score tables and print the result.

    Args:
        registry: where metrics are looked up.
        truth, predictions: paths, as for `evaluate_tables`.
        as_json: print one JSON object.
        threshold: lowest intensity that counts as present.
        draws, seed: number of bootstrap draws, and their seed.
        output: file to write the scores to; None for none.
        missing: `refuse` or `skip`.
        reading: further attributes of `Reading`.
    """
    from aukit.scoring.evaluate import Reading, evaluate_tables
    from aukit.store.files import write_json
    from aukit.store.owned import refuse_foreign, writing

    def metric(presence: bool) -> Metric:
        return _metric(registry, "presence" if presence else "intensity", threshold)

    if output is not None:
        refuse_foreign(output, (truth, *predictions))
    how = Reading(skip_missing=missing == "skip", **reading)
    found = evaluate_tables(truth, predictions, metric, how, draws=draws, seed=seed)
    if output is not None:
        with writing(output):
            write_json(output, found["scores"])
    if as_json:
        names = {"truth": str(truth), "predictions": [str(path) for path in predictions]}
        emit_json({**names, "threshold": threshold, **found})
        return
    _show(found, truth, predictions, threshold)
    if output is not None:
        click.echo(f"scores  {output}")


def _metric(registry: Registry, name: str, threshold: float) -> Metric:
    from aukit.config.choice import Choice, build, make
    from aukit.config.values import COMMAND_LINE, Value
    from aukit.contracts.context import Context

    component = registry.find("metric", name)
    options, origins = build(component, [{"threshold": Value(threshold, COMMAND_LINE)}])
    made: Metric = make(Choice(component, options, origins, COMMAND_LINE), Context())
    return made


def _show(
    found: Mapping[str, Any], truth: Path, predictions: Sequence[Path], threshold: float
) -> None:
    from aukit.cli.console import say
    from aukit.cli.tables import show_scores

    for note in found["notes"]:
        say(f"note: {note}")
    if len(predictions) == 1:
        what = f"Scores of {predictions[0].name} against {truth.name}"
    else:
        what = f"{predictions[1].name} minus {predictions[0].name}"
    people = "1 person" if found["people"] == 1 else f"{found['people']} people"
    size = f"{found['frames']} frames, {people}, present from intensity {threshold:g}"
    headline = DETECTION if found["presence"] else HEADLINE
    show_scores(found["scores"], f"{what}: {size}, with 95 % intervals over people", headline)
