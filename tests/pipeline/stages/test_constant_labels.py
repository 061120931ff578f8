"""A fit on faces that all show the same is refused, whichever component is to be fitted."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from aukit.config.choice import Choice
from aukit.contracts.context import Context, no_weights
from aukit.contracts.labels import Labels
from aukit.contracts.session import Session
from aukit.data import records
from aukit.errors import DataError
from aukit.faces.alignment import write_alignment
from aukit.faces.shards import shard_path
from aukit.pipeline.stages.fit_estimator import FitEstimator
from aukit.pipeline.work import Work
from aukit.progress import Silent
from aukit.registry.loading import default_registry
from aukit.store.files import write_table
from aukit.store.stages import Result
from aukit.testing.drawn import DrawnFaces
from aukit.vision.images import encode

REGISTRY = default_registry()
AUS = ("AU01", "AU12")


def names(kind: str) -> list[str]:
    return [component.name for component in REGISTRY.of_kind(kind)]


def small(kind: str, name: str) -> Choice:
    component = REGISTRY.find(kind, name)
    return Choice(component, component.config(**component.preset("quick")))


@pytest.mark.parametrize("code", [0.0, 1.0])
@pytest.mark.parametrize("name", names("synth"))
def test_a_synthesizer_is_not_fitted_on_one_code(name: str, code: float, tmp_path: Path) -> None:
    faces = DrawnFaces(8, aus=AUS)
    # Of occurrences, so that 0 and 1 are the two codes that there could be.
    same = faces.targets(code)
    faces.labels = Labels(AUS, same.values, same.mask, frozenset(AUS))
    choice = small("synth", name)
    synthesizer = choice.component.load()(choice.options, Context())
    with pytest.raises(DataError, match="the same AU codes"):
        synthesizer.fit(faces, Session(tmp_path, seed=0))


@pytest.mark.parametrize("name", names("estimator"))
def test_an_estimator_is_not_fitted_on_one_code(name: str, tmp_path: Path) -> None:
    faces, plan = tmp_path / "faces", tmp_path / "plan"
    for folder in (faces, plan, tmp_path / "fit"):
        folder.mkdir()
    write_table(shard_path(faces, 0), face_rows())
    write_alignment(faces, {"aligner": "drawn"})
    write_table(plan / "plan.parquet", plan_of_all())
    stage = FitEstimator(
        small("estimator", name), Result("p", plan), (Result("f", faces),), None, None, AUS, 0
    )
    work = Work("cpu", no_weights, Silent(), small("executor", "inline"))
    with pytest.raises(DataError, match="the same code: there is nothing to learn"):
        stage.compute(tmp_path / "fit", work)


def face_rows() -> pa.Table:
    """Eight faces that all show level 3."""
    drawn = DrawnFaces(8, aus=AUS)
    batch = drawn.batch(range(8))
    rows = drawn.table.to_pylist()
    for row, image, points in zip(rows, encode(batch.images), batch.landmarks, strict=True):
        row.update(
            dict.fromkeys(AUS, 3.0), face=0, image=image, landmarks=points.flatten().tolist(),
            status="ok", origin=records.REAL,
        )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=records.face_schema(AUS))


def plan_of_all() -> pa.Table:
    ids = DrawnFaces(8, aus=AUS).table.column("id").to_pylist()
    rows = [
        {"training_set": au, "level": 3, "origin": records.REAL, "source": name, "count": 1}
        for au in AUS
        for name in ids
    ]
    return pa.Table.from_pylist(rows, schema=records.plan_schema(AUS))
