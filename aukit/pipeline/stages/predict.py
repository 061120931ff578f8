"""The predict stage: estimates of the scored faces, beside the truth."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from torch import Tensor

from aukit.config.choice import named
from aukit.contracts.context import Context
from aukit.contracts.estimator import Calibrates, Estimator, Prediction
from aukit.contracts.executor import Portable
from aukit.contracts.faces import FaceSource
from aukit.contracts.normalizer import Normalizer
from aukit.data.kinds import Kinds, au_kinds
from aukit.data.records import prediction_schema
from aukit.faces.normalized import NormalizedFaces, UnlabelledFaces
from aukit.faces.shards import parts_of
from aukit.faces.stored import StoredFaces, face_batch
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.fitting import estimated_kinds
from aukit.pipeline.work import Work
from aukit.runs.names import PREDICTIONS
from aukit.store.files import write_table
from aukit.store.stages import Result

BATCH, PART = 256, 1024
"""Faces per batch, and faces per item for the executor."""


@dataclass(frozen=True)
class Predict(Stage):
    """Predictions of some faces.

    Attributes:
        estimator: the fitted estimator. The faces may be aligned differently from its training
            faces, as in cross-pose protocols.
        faces: the faces to score.
        normalizer: applied to the faces first; None for none.
        aus: AUs of the estimator.
        seed: seed of the run.
    """

    name: ClassVar[str] = "predict"
    estimator: Fitted
    faces: Result
    normalizer: Fitted | None
    aus: tuple[str, ...]
    seed: int

    def compute(self, folder: Path, work: Work) -> None:
        """Write `predictions.parquet` in `records.prediction_schema`."""
        faces = StoredFaces([self.faces.folder], self.aus)
        context = work.context(self.seed)
        predicting = Predicting(self.estimator, self.normalizer, self.aus, context)
        parts = parts_of(len(faces), PART)
        # An estimator's statistics of people stay in this process.
        mapped = map if predicting.calibrate(faces) else work.executor.map
        with work.progress.start("predict", len(faces)) as bar:
            tables = []
            for table in mapped(predicting, (faces.rows(part) for part in parts)):
                tables.append(table)
                bar.advance(table.num_rows)
        write_table(folder / PREDICTIONS, pa.concat_tables(tables), row_group=65536)


@dataclass(frozen=True)
class Predicting(Portable):
    """Predicts the faces of rows; the function that executors map.

    Attributes:
        estimator, normalizer: the fitted components.
        aus: AUs of the estimator.
        context: context to build them with.
    """

    estimator: Fitted
    normalizer: Fitted | None
    aus: tuple[str, ...]
    context: Context

    def calibrate(self, faces: FaceSource) -> bool:
        """Pass all faces to an estimator that calibrates on people before it predicts.

        Returns:
            whether the estimator does so.
        """
        estimator, normalizer = self._estimator, self._normalizer
        if not isinstance(estimator, Calibrates):
            return False
        seen = faces if normalizer is None else NormalizedFaces(faces, normalizer)
        with named(self.estimator.choice, Predict.name):
            estimator.calibrate(UnlabelledFaces(seen))
        return True

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Rows in `records.prediction_schema` for rows in `records.face_schema`."""
        tables = []
        for start in range(0, rows.num_rows, BATCH):
            part = rows.slice(start, BATCH)
            batch = face_batch(part, self.aus)
            if self._normalizer is not None:
                batch = replace(batch, images=self._normalizer.apply(batch))
            with named(self.estimator.choice, Predict.name):
                prediction = self._estimator.predict(batch)
            tables.append(prediction_table(part, self.aus, self._kinds, prediction))
        return pa.concat_tables(tables)

    @functools.cached_property
    def _estimator(self) -> Estimator:
        estimator: Estimator = self.estimator.load(self.context)
        return estimator

    @functools.cached_property
    def _kinds(self) -> Kinds:
        return estimated_kinds(self.estimator.result.folder)

    @functools.cached_property
    def _normalizer(self) -> Normalizer | None:
        return None if self.normalizer is None else self.normalizer.load(self.context)


def prediction_table(
    rows: pa.Table, aus: tuple[str, ...], estimated: Kinds, prediction: Prediction
) -> pa.Table:
    """Rows in `records.prediction_schema`: truth and estimate side by side.

    Args:
        rows: rows of the faces.
        aus: the estimated AUs.
        estimated: kinds of the estimates.
        prediction: the estimates.
    """
    schema = prediction_schema(aus, au_kinds(rows), estimated)
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
