"""Synthetic faces shown from several sides, each planned use in every view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from torch import Tensor

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.config.run import Role, RunConfig
from aukit.contracts.aligner import Aligned
from aukit.contracts.context import Context, no_weights
from aukit.contracts.landmarker import IBUG68, MEDIAPIPE478, Faces
from aukit.data import records
from aukit.errors import ConfigError
from aukit.faces.alignment import write_alignment
from aukit.faces.shards import shard_path
from aukit.faces.stored import StoredFaces
from aukit.faces.views import in_view, interleaved, without_view
from aukit.pipeline.report.moments import MOMENTS, TILE, view_rows
from aukit.pipeline.stages.show_views import ShowViews, refuse_views
from aukit.pipeline.stages.training_set import (
    in_turn,
    plan_counts,
    planned_ids,
    planned_uses,
    request_id,
)
from aukit.pipeline.work import Work
from aukit.progress import Silent
from aukit.store.files import write_table
from aukit.store.stages import Result
from aukit.testing.drawn import DrawnFaces
from aukit.testing.heads import egg
from aukit.views import FERA17, FRONTAL, View, parse_views
from aukit.vision.frontal import FrontalView
from aukit.vision.frontal_options import FrontalOptions
from aukit.vision.images import decode, encode
from aukit.vision.warp import apply, similarity
from aukit_local.executors import Inline
from aukit_local.plugin import InlineConfig
from aukit_procrustes.align import ProcrustesAligner
from aukit_procrustes.plugin import Options as ProcrustesOptions

AUS = ("AU01", "AU12")
SIZE = 64


@dataclass(frozen=True)
class NoOptions:
    """No options."""


class Egg:
    """A 3D aligner that lays an egg over the 68 points."""

    def __init__(self, config: NoOptions, context: Context) -> None:
        self.view = FrontalView.of(egg(), FrontalOptions(size=SIZE, min_eyes=2.0), "cpu")

    def views(
        self, images: Sequence[Tensor], faces: Sequence[Faces], views: Sequence[View]
    ) -> list[Aligned]:
        points = torch.cat([face.landmarks[IBUG68] for face in faces]).double()
        head = egg()
        fits = similarity(
            head.landmarks_of(head.vertices)[:, :2].expand_as(points).double(), points
        )
        scale = fits[:, 0, :2].norm(dim=-1)[:, None, None]
        flat = apply(fits, head.vertices[:, :2].double().expand(len(points), -1, -1))
        depth = head.vertices[:, 2:].expand(len(points), -1, -1) * scale
        return self.view.show(images, torch.cat([flat, depth], -1).float(), views)

    def align(self, images: Sequence[Tensor], faces: Sequence[Faces]) -> Aligned:
        return self.views(images, faces, [FRONTAL])[0]

    def describe(self) -> dict[str, Any]:
        return self.view.describe()


class Points478:
    """A landmarker that only counts how often it was asked."""

    schemes = (MEDIAPIPE478,)

    def __init__(self, config: NoOptions, context: Context) -> None:
        pass

    def detect(self, images: Sequence[Tensor]) -> list[Faces]:
        return [Faces(torch.zeros(0, 4), torch.zeros(0), {}) for _ in images]


class Dense(Egg):
    """The same, but on landmarks that registered faces do not have."""

    def views(
        self, images: Sequence[Tensor], faces: Sequence[Faces], views: Sequence[View]
    ) -> list[Aligned]:
        assert all(len(face) == 0 for face in faces)
        nothing = torch.zeros(len(images), len(egg().vertices), 3)
        return self.view.show(images, nothing, views, ["no face"] * len(images))


class Local(Component):
    """A record whose factory is a class of this file, which no import path names."""

    def load(self) -> Any:
        known = {"egg": Egg, "dense": Dense, "flat": ProcrustesAligner, "points": Points478}
        known["inline"] = Inline
        return known[self.name]


def choice(kind: str, name: str, config: Any = NoOptions, **fields: Any) -> Choice:
    return Choice(Local(kind, name, "here:here", config, "a test", **fields), config())


WORK = Work("cpu", no_weights, Silent(), choice("executor", "inline", InlineConfig))


EGG = choice("aligner", "egg", accepts=(IBUG68,))
FLAT = choice("aligner", "flat", ProcrustesOptions, accepts=(IBUG68,))
DENSE = choice("aligner", "dense", accepts=(MEDIAPIPE478,))


@pytest.fixture
def synthetic(tmp_path: Path) -> Path:
    """Five painted faces in a stage folder."""
    drawn = DrawnFaces(5, people=5, aus=AUS, size=SIZE)
    batch = drawn.batch(range(5))
    rows = drawn.table.to_pylist()
    for row, image, points in zip(rows, encode(batch.images), batch.landmarks, strict=True):
        row.update(
            id=request_id(row["id"], 0, [1.0, 2.0]), parent=row["id"], face=0, image=image,
            landmarks=points.flatten().tolist(), status="ok", origin=records.SYNTHETIC, seed=0,
        )  # fmt: skip
    folder = tmp_path / "synthetic"
    folder.mkdir()
    table = pa.Table.from_pylist(rows, schema=records.face_schema(AUS))
    write_table(shard_path(folder, 0), table)
    write_alignment(folder, {"aligner": "egg"})
    return folder


def show(synthetic: Path, views: str, aligner: Choice, landmarker: Choice | None = None) -> Path:
    """A folder with the synthetic faces in some views."""
    made = Result("synthesize-0", synthetic)
    folder = synthetic.parent / "shown"
    folder.mkdir()
    ShowViews(made, aligner, landmarker, parse_views(views), AUS).compute(folder, WORK)
    return folder


def shown(synthetic: Path, views: str, aligner: Choice) -> StoredFaces:
    return StoredFaces([show(synthetic, views, aligner)], AUS)


def test_each_synthetic_face_is_shown_in_every_view(synthetic: Path) -> None:
    faces = shown(synthetic, "fera17", EGG)
    before = StoredFaces([synthetic], AUS)
    assert len(faces) == 9 * len(before)
    assert faces.table.column("view").to_pylist()[:9] == [
        "-40,-40", "-20,-40", "0,-40", "-40,0", "-20,0", "frontal", "-40,40", "-20,40", "0,40",
    ]  # fmt: skip
    assert len(set(faces.table.column("id").to_pylist())) == len(faces)
    for name in ("parent", "subject", "origin", "AU01", "AU12"):
        repeated = [value for value in before.table.column(name).to_pylist() for _ in range(9)]
        assert faces.table.column(name).to_pylist() == repeated
    nose = faces.batch(range(9)).landmarks[:, 30, 0] - faces.batch(range(9)).landmarks[:, 8, 0]
    assert nose[8] > nose[5] > nose[2]  # turned to the right, straight, to the left


def test_every_planned_use_becomes_one_in_each_view(synthetic: Path) -> None:
    faces = shown(synthetic, "0,0 0,30", EGG)
    source = faces.table.column("parent").to_pylist()[0]
    plan = pa.Table.from_pylist(
        [
            {"training_set": "AU12", "level": 2, "origin": "synthetic", "source": source,
             "count": 3, "seed": 0, "AU01": 1.0, "AU12": 2.0},
            {"training_set": "AU01", "level": 0, "origin": "real", "source": "real/1", "count": 4},
        ],
        schema=records.plan_schema(AUS),
    )  # fmt: skip
    names = [*planned_ids(faces.table, plan), "real/1"]
    counts = plan_counts(plan, names, AUS)
    assert counts[:2].tolist() == [[0, 3], [0, 3]]
    assert counts[-1].tolist() == [4, 0]
    assert planned_uses(plan, 2) == counts.sum() == 10
    assert planned_uses(plan, 1) == 7


def view_plan(sources: Sequence[str], views: Sequence[str]) -> pa.Table:
    """A face of each source in its own view, used twice."""
    row = {"training_set": "AU12", "level": 2, "origin": "synthetic", "count": 2, "seed": 0}
    rows = [{**row, "source": source, "AU01": 1.0, "AU12": 2.0} for source in sources]
    plan = pa.Table.from_pylist(rows, schema=records.plan_schema(AUS))
    own = pa.array(views)
    return in_turn({view: plan.filter(pc.equal(own, view)) for view in dict.fromkeys(views)})


def test_a_plan_that_names_views_shows_each_face_in_its_own(synthetic: Path) -> None:
    before = StoredFaces([synthetic], AUS).table
    views = ["frontal", "0,30", "0,-30", "frontal", "0,30"]
    plan = view_plan(before.column("parent").to_pylist(), views)
    folder = synthetic.parent / "shown"
    for new in (folder, synthetic.parent / "plan"):
        new.mkdir()
    write_table(synthetic.parent / "plan" / "plan.parquet", plan)
    made, planned = Result("s", synthetic), Result("p", synthetic.parent / "plan")
    sides = parse_views("0,0 0,30 0,-30")
    ShowViews(made, EGG, None, sides, AUS, planned).compute(folder, WORK)
    faces = StoredFaces([folder], AUS)
    shown = dict(
        zip(faces.table["parent"].to_pylist(), faces.table["view"].to_pylist(), strict=True)
    )
    assert shown == dict(zip(before["parent"].to_pylist(), views, strict=True))
    counts = plan_counts(plan, planned_ids(faces.table, plan), AUS)
    assert counts.tolist() == [[0, 2]] * 5
    assert planned_uses(plan, 3) == 10
    captions = [caption for _, caption in view_rows(folder)]
    assert len(captions) == MOMENTS
    assert all(caption.endswith("another face in each view") for caption in captions)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"aligner": FLAT}, "cannot render other views"),
        ({"aligner": DENSE}, "mediapipe-478"),
        ({"aligner": EGG, "synth": False}, "no synthesizer"),
    ],
)
def test_what_cannot_be_shown_is_refused_before_anything_is_fitted(
    values: dict[str, Any], message: str
) -> None:
    role = Role(choice("data", "egg"), None, values["aligner"], "train")
    synth = choice("synth", "egg") if values.get("synth", True) else None
    config = SimpleNamespace(roles={"synth-paint": role}, components={"synth": synth})
    with pytest.raises(ConfigError, match=message):
        refuse_views(cast(RunConfig, config), WORK)


def test_other_landmarks_are_found_again_and_a_face_without_is_dropped(synthetic: Path) -> None:
    folder = show(synthetic, "0,0 0,20", DENSE, choice("landmarker", "points"))
    table = pa.parquet.read_table(shard_path(folder, 0))
    assert table.num_rows == 10
    assert set(table.column("reason").to_pylist()) == {"no face"}
    assert table.column("image").null_count == 10


def test_ids_of_views_lead_back() -> None:
    table = pa.table({"id": ["a@b/1", "c"], "view": pa.array([None, None], pa.string())})
    shown = interleaved([in_view(table, view) for view in FERA17])
    assert shown.column("id").to_pylist()[:2] == ["a@b/1@-40,-40", "a@b/1@-20,-40"]
    assert planned_ids(shown, records.plan_schema(AUS).empty_table()) == ["a@b/1"] * 9 + ["c"] * 9
    assert without_view("a@0,40", None) == "a@0,40"


def test_the_report_shows_moments_from_every_view(synthetic: Path) -> None:
    sheets = view_rows(show(synthetic, "fera17", EGG))
    assert len(sheets) == MOMENTS
    assert len({caption.split()[0] for _, caption in sheets}) == MOMENTS  # different people
    picture = decode(sheets[0][0]).image
    assert picture is not None
    assert picture.shape[2] > 9 * TILE
    assert picture[:, 4 : TILE + 4, -TILE:-4].float().std() > 10  # the last view is shown
    assert view_rows(synthetic) == []  # one view only
