"""The scores of a run, in `scores.json`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import Any

from aukit.au import is_column
from aukit.config.choice import Choice, named
from aukit.contracts.metric import Metric
from aukit.pipeline.runner import Runner
from aukit.pipeline.stages.predict import Predict
from aukit.runs.folder import Run
from aukit.runs.names import PREDICT_YARDSTICK, PREDICTIONS, SCORES
from aukit.scoring.scores import paired_difference, score_predictions
from aukit.store.files import write_json


def scored(runner: Runner) -> dict[str, Any]:
    """The scores of expected intensities; as `level` those of the levels decided for, without
    intervals; as `yardstick` those of a simple estimator. Leaves them and the predictions in the
    run folder."""
    run, work = runner.run, runner.work
    choice, options = run.config.need("metric"), run.config.options
    predictions = run.results.need("predict").folder / PREDICTIONS
    metric: Metric = work.make(choice, options.seed)
    with work.progress.start("score"), named(choice, "score"):
        scores = score_predictions(predictions, [metric], draws=options.draws, seed=options.seed)
        levels = score_predictions(predictions, [metric], draws=0, estimate="level")
        if run.config.yardstick is not None and PREDICT_YARDSTICK in run.results.stages:
            scores["yardstick"] = _beside(run, run.config.yardstick, metric)
    scores["level"] = _units(levels)
    write_json(run.folder / SCORES, scores)
    shutil.copyfile(predictions, run.folder / PREDICTIONS)
    return scores


def _beside(run: Run, yardstick: Choice, metric: Metric) -> dict[str, Any]:
    """The yardstick's name and scores, and how much higher the run's are on the same frames."""
    options = run.config.options
    labels = (PREDICT_YARDSTICK, Predict.name)
    simple, own = (run.results.need(label).folder / PREDICTIONS for label in labels)
    draws, seed = options.draws, options.seed
    scores = score_predictions(simple, [metric], draws=draws, seed=seed)
    difference = paired_difference([simple], [own], [metric], draws=draws, seed=seed)
    return {
        "estimator": yardstick.component.name,
        "scores": _units(scores),
        "difference": _units(difference),
    }


def _units(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of the mean and of each AU."""
    return {unit: scores[unit] for unit in ("mean", *filter(is_column, scores))}
