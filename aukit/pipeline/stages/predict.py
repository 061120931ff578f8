"""The predict stage: what the fitted estimator says of the scored faces, beside the truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from torch import Tensor

from aukit.config.choice import named
from aukit.contracts.estimator import Calibrates, Estimator, Prediction
from aukit.contracts.faces import FaceSource
from aukit.data.kinds import Kinds, au_kinds
from aukit.data.records import prediction_schema
from aukit.faces.normalized import UnlabelledFaces
from aukit.faces.stored import StoredFaces
from aukit.pipeline.stage import Fitted, Stage
from aukit.pipeline.stages.fit_estimator import seen_through
from aukit.pipeline.stages.fitting import estimated_kinds
from aukit.pipeline.work import Work
from aukit.runs.names import PREDICTIONS
from aukit.store.files import write_table
from aukit.store.stages import Result

BATCH = 256


@dataclass(frozen=True)
class Predict(Stage):
    """Predictions of some faces.

    Attributes:
        estimator: fitted. The faces may be aligned otherwise than its training faces: cross-pose
            protocols do so on purpose.
        faces: the faces to score.
        normalizer: through which it sees faces; None: as they are.
        aus: its AUs.
        seed: of the run.
    """

    name: ClassVar[str] = "predict"
    estimator: Fitted
    faces: Result
    normalizer: Fitted | None
    aus: tuple[str, ...]
    seed: int

    def compute(self, folder: Path, work: Work) -> None:
        """Leaves `predictions.parquet` in `records.prediction_schema`."""
        estimator: Estimator = self.estimator.load(work, self.seed)
        stored = StoredFaces([self.faces.folder], self.aus)
        seen = seen_through(self.normalizer, stored, work, self.seed)
        if isinstance(estimator, Calibrates):
            with named(self.estimator.choice, self.name):
                estimator.calibrate(UnlabelledFaces(seen))
        kinds = estimated_kinds(self.estimator.result.folder)
        with work.progress.start("predict", len(stored)) as bar:
            tables = []
            for rows, prediction in self._predicted(estimator, seen):
                part = stored.table.slice(rows.start, len(rows))
                tables.append(prediction_table(part, self.aus, kinds, prediction))
                bar.advance(len(rows))
        write_table(folder / PREDICTIONS, pa.concat_tables(tables), row_group=65536)

    def _predicted(
        self, estimator: Estimator, seen: FaceSource
    ) -> Iterator[tuple[range, Prediction]]:
        for start in range(0, len(seen), BATCH):
            rows = range(start, min(start + BATCH, len(seen)))
            with named(self.estimator.choice, self.name):
                yield rows, estimator.predict(seen.batch(rows))


def prediction_table(
    rows: pa.Table, aus: tuple[str, ...], estimated: Kinds, prediction: Prediction
) -> pa.Table:
    """Rows in `records.prediction_schema`: truth and estimate side by side.

    Args:
        rows: of the faces.
        aus: what was estimated.
        estimated: what the estimates are.
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
