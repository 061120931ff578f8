"""The last stages: predict the scored faces, score them and the synthesizer, write the report."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from torch import Tensor

from aukit.config.choice import make, named
from aukit.contracts.estimator import Estimator, Prediction
from aukit.contracts.metric import Metric
from aukit.data.records import DROPPED, prediction_schema
from aukit.faces.stored import StoredFaces, read_rows
from aukit.pipeline.fit import FitStages, Fitted
from aukit.pipeline.prepare import Prepared
from aukit.pipeline.stages.fitting import load_fitted
from aukit.runs.names import PLAN, PREDICTIONS, SCORES
from aukit.score_card.card import Card, CardStage
from aukit.scoring.scores import score_predictions
from aukit.store.files import write_json, write_table

if TYPE_CHECKING:
    from aukit.pipeline.work import Work

PREDICT_BATCH = 256


class ScoreStages:
    """Runs these stages.

    Args:
        work: what the stages of the run share.
        prepared, fitted: what the stages before left.
    """

    def __init__(self, work: Work, prepared: Prepared, fitted: Fitted) -> None:
        self.work = work
        self.config = work.config
        self.prepared = prepared
        self.fitted = fitted

    def run(self) -> tuple[Mapping[str, Any], Card | None, Mapping[str, int]]:
        """Scores, the synthesizer's score card, and the dropped frames by reason."""
        card = CardStage(self.work, self.prepared, self.fitted).run()
        predictions = self._predict() / PREDICTIONS
        scores = self._score(predictions)
        dropped = self._dropped()
        folder = self.work.run.folder
        write_json(folder / SCORES, scores)
        shutil.copyfile(predictions, folder / PREDICTIONS)
        shutil.copyfile(self.prepared.plan / PLAN, folder / PLAN)
        self._report(scores, card)
        return scores, card and card[0], dropped

    def _predict(self) -> Path:
        choice, prepared = self.config.need("estimator"), self.prepared

        def compute(folder: Path) -> None:
            estimator: Estimator = make(choice, self.work.context)
            # The test faces may be aligned otherwise on purpose (cross-pose protocols), so the
            # card is checked against the aligner of the training role, not of the test role.
            load_fitted(estimator, self.fitted.estimator, prepared.alignment)
            stored = StoredFaces([prepared.test], prepared.aus)
            seen = FitStages(self.work, prepared).seen(stored, self.fitted.normalizer)
            tables = []
            with self.work.progress.start("predict", len(stored)) as bar:
                for start in range(0, len(stored), PREDICT_BATCH):
                    rows = range(start, min(start + PREDICT_BATCH, len(stored)))
                    with named(choice, "predict"):
                        prediction = estimator.predict(seen.batch(rows))
                    part = stored.table.slice(start, len(rows))
                    tables.append(prediction_table(part, prepared.aus, prediction))
                    bar.advance(len(rows))
            write_table(folder / PREDICTIONS, pa.concat_tables(tables), row_group=65536)

        document = {
            "estimator": self.fitted.estimator.name,
            "faces": prepared.test.name,
            "normalizer": self.fitted.normalizer.name if self.fitted.normalizer else None,
        }
        return self.work.stage("predict", "predict", document, compute)

    def _score(self, predictions: Path) -> dict[str, Any]:
        choice = self.config.need("metric")
        metric: Metric = make(choice, self.work.context)
        options = self.config.options
        with self.work.progress.start("score"), named(choice, "score"):
            return score_predictions(predictions, [metric], draws=options.draws, seed=options.seed)

    def _dropped(self) -> dict[str, int]:
        """Reason -> number of dropped frames, over all roles, each stage counted once."""
        prepared = self.prepared
        folders = (prepared.train, prepared.valid, prepared.test, prepared.synth_fit)
        counts: Counter[str] = Counter()
        for folder in {f for f in (*folders, prepared.synth_paint) if f is not None}:
            rows = read_rows(folder)
            dropped = rows.filter(pc.equal(rows.column("status"), DROPPED))
            counts.update(dropped.column("reason").to_pylist())
        return dict(counts.most_common())

    def _report(self, scores: Mapping[str, Any], card: tuple[Card, Path] | None) -> None:
        from aukit.pipeline.report.gather import gather
        from aukit.report import write_report

        with self.work.progress.start("report"):
            data = gather(self.work, self.prepared, self.fitted, scores, card)
            write_report(data, self.work.run.folder / "report.html")


def prediction_table(rows: pa.Table, aus: tuple[str, ...], prediction: Prediction) -> pa.Table:
    """Rows in `records.prediction_schema`: truth and estimate side by side."""
    schema = prediction_schema(aus)
    columns = []
    for field in schema:
        au, _, what = field.name.partition("_")
        if au in aus and what:
            values = prediction.intensity if what == "predicted" else prediction.level
            columns.append(_column(values[:, aus.index(au)], field.type))
        else:
            columns.append(rows.column(field.name).combine_chunks().cast(field.type))
    return pa.table(columns, schema=schema)


def _column(values: Tensor, kind: pa.DataType) -> pa.Array:
    return pa.array(values.cpu().numpy()).cast(kind)
