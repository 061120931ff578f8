"""The dataset: an index without pixels, pictures on demand, truth for every one of them."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.dataset import Frames
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import IBUG68
from aukit.data.records import index_schema
from aukit.errors import ConfigError, DataError
from aukit_avatars.actions import AUS
from aukit_avatars.dataset import Avatars
from aukit_avatars.plugin import AvatarsConfig, aukit_datasets

TINY = AvatarsConfig(
    version=1, train=1, valid=1, test=0, tasks=2, frames=3, size=64, views="0,0 -20,30"
)


@pytest.fixture(scope="module")
def avatars() -> Avatars:
    return Avatars(TINY, Context())


@pytest.fixture(scope="module")
def index(avatars: Avatars) -> pa.Table:
    return avatars.index()


@pytest.fixture(scope="module")
def frames(avatars: Avatars, index: pa.Table) -> Frames:
    (batch,) = avatars.read(index)
    return batch


def pictures(frames: Frames) -> Tensor:
    return torch.stack([image for image in frames.images if image is not None])


def test_the_index_says_everything_but_pixels(avatars: Avatars, index: pa.Table) -> None:
    assert index.num_rows == 2 * 2 * 2 * 3  # people, tasks, views, frames
    assert index.schema.equals(index_schema(AUS), check_metadata=True)
    assert pc.count_distinct(index["id"]).as_py() == index.num_rows
    assert index["id"][0].as_py() == "avatars/train/F001/T1/frontal/00000"
    assert sum(column.null_count for column in index.columns) == 0
    assert index.equals(Avatars(TINY, Context()).index())


def test_views_share_their_labels(index: pa.Table) -> None:
    one, other = (index.filter(pc.equal(index["view"], view)) for view in ("frontal", "-20,30"))
    assert all(one[au].equals(other[au]) for au in AUS)


def test_people_are_of_one_partition_only() -> None:
    config = AvatarsConfig(frames=1, tasks=1)
    table = Avatars(config, Context()).index()
    keys = set(zip(table["partition"].to_pylist(), table["subject"].to_pylist(), strict=True))
    assert len(keys) == table.num_rows == config.train + config.valid + config.test
    women = [subject for _, subject in keys if subject.startswith("F")]
    assert len(women) == len(keys) / 2


def test_pictures_come_in_the_order_of_the_rows_whatever_the_batch(
    avatars: Avatars, index: pa.Table, frames: Frames
) -> None:
    together = pictures(frames)
    assert together.shape == (24, 3, 64, 64)
    assert together.dtype == torch.uint8
    for row in (17, 2, 0):
        (alone,) = avatars.read(index.slice(row, 1))
        assert torch.equal(pictures(alone)[0], together[row])


def test_another_instance_takes_the_same_pictures(index: pa.Table, frames: Frames) -> None:
    (again,) = Avatars(TINY, Context(seed=99)).read(index.slice(0, 2))
    assert torch.equal(pictures(again), pictures(frames)[:2])


def test_other_seeds_and_domains_show_other_people(index: pa.Table, frames: Frames) -> None:
    for other in (replace(TINY, seed=1), replace(TINY, domain="b")):
        avatars = Avatars(other, Context())
        (batch,) = avatars.read(avatars.index().slice(0, 1))
        assert (pictures(batch)[0].int() - pictures(frames)[0].int()).abs().float().mean() > 5


def test_landmarks_lie_on_the_face(frames: Frames, index: pa.Table) -> None:
    assert frames.faces is not None
    points = torch.stack([face.landmarks[IBUG68][0] for face in frames.faces])
    assert points.shape == (24, 68, 2)
    assert (points[:, 17:] > 0).all()
    assert (points[:, 17:] < 63).all()
    assert (points[:, 45, 0] > points[:, 36, 0]).all()
    boxes = torch.stack([face.boxes[0] for face in frames.faces])
    assert torch.equal(boxes[:, :2], points.amin(1))
    turned = torch.tensor(pc.equal(index["view"], "-20,30").to_pylist())
    nose = (points[:, 30, 0] - points[:, 36, 0]) / (points[:, 45, 0] - points[:, 36, 0])
    assert nose[turned].mean() > nose[~turned].mean() + 0.1  # a positive yaw turns to the right


def test_truth_fits_together(avatars: Avatars, index: pa.Table) -> None:
    rows = index.slice(0, 4)
    truth = avatars.truth(rows)
    head = avatars.studio.head
    assert torch.equal(truth.vertices[:, head.landmarks68, :2], truth.landmarks)
    assert truth.head.shape == truth.vertices.shape == (4, len(head.vertices), 3)
    assert torch.allclose(
        truth.pose @ truth.pose.transpose(1, 2), torch.eye(3).expand(4, 3, 3), atol=1e-5
    )
    levels = torch.tensor([rows[au].to_pylist() for au in AUS]).T
    assert (levels - avatars.activation(rows)).abs().max() <= 0.5
    assert truth.visible[:, head.landmarks68[27:31]].all()  # the nose
    assert truth.visible[:, head.triangles[head.part("inner_mouth")]].float().mean() < 0.3
    centre = truth.landmarks[:, 27:31].round().long()
    assert (truth.mask[torch.arange(4)[:, None], centre[..., 1], centre[..., 0]] > 0.9).all()


def test_rendering_with_nothing_asked_is_the_frame_itself(
    avatars: Avatars, index: pa.Table, frames: Frames
) -> None:
    nothing = Labels(("AU12",), torch.zeros(2, 1), torch.zeros(2, 1, dtype=torch.bool))
    same = avatars.render(index.slice(0, 2), nothing)
    assert torch.equal(pictures(same), pictures(frames)[:2])


def test_rendering_other_aus_changes_the_mouth_and_not_the_room(
    avatars: Avatars, index: pa.Table
) -> None:
    rows = index.slice(0, 1)
    zero = Labels(AUS, torch.zeros(1, len(AUS)), torch.ones(1, len(AUS), dtype=torch.bool))
    jaw = Labels(AUS, 5.0 * torch.eye(len(AUS))[[AUS.index("AU26")]], zero.mask)
    neutral, dropped = (avatars.truth(rows, labels) for labels in (zero, jaw))
    change = (neutral.images.int() - dropped.images.int()).abs().amax(1)[0]
    x, y = neutral.landmarks[0, 66].round().long().tolist()
    assert change[y : y + 4, x - 2 : x + 3].float().mean() > 20
    assert change[:20, :10].max() <= 2  # the room, but for the compression of the picture
    assert dropped.landmarks[0, 8, 1] > neutral.landmarks[0, 8, 1] + 1


def test_targets_that_avatars_cannot_show_are_clear_errors(
    avatars: Avatars, index: pa.Table
) -> None:
    on = torch.ones(1, 1, dtype=torch.bool)
    with pytest.raises(ConfigError, match="avatars do not have AU18"):
        avatars.render(index.slice(0, 1), Labels(("AU18",), torch.ones(1, 1), on))
    with pytest.raises(ConfigError, match=r"outside 0\.\.5"):
        avatars.render(index.slice(0, 1), Labels(("AU12",), torch.full((1, 1), 6.0), on))


def test_rows_of_another_recipe_are_refused(avatars: Avatars) -> None:
    rows = Avatars(AvatarsConfig(frames=4, tasks=1), Context()).index().slice(3, 1)
    with pytest.raises(DataError, match="not in this recipe"):
        list(avatars.read(rows))


@pytest.mark.parametrize(
    "options",
    [{"size": -64}, {"size": 0}, {"train": -1}, {"tasks": 9}, {"frames": 0}, {"rate": 0.0},
     {"domain": "c"}, {"rates": "wild"}],
)  # fmt: skip
def test_impossible_recipes_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        AvatarsConfig(**options)  # type: ignore[arg-type]


def test_a_view_outside_the_camera_is_refused_before_any_picture() -> None:
    with pytest.raises(ConfigError, match="outside the camera's range"):
        Avatars(AvatarsConfig(views="0,90"), Context())


def test_an_empty_recipe_is_an_empty_index() -> None:
    table = Avatars(AvatarsConfig(train=0, valid=0, test=0), Context()).index()
    assert table.num_rows == 0
    assert table.schema.equals(index_schema(AUS))


def test_presets_are_sizes_of_the_same_thing() -> None:
    component = aukit_datasets()[0]
    paper = AvatarsConfig(**component.preset("paper"))
    assert (paper.train, paper.valid, paper.test) == (41, 20, 30)
    assert AvatarsConfig(**component.preset("quick")) == AvatarsConfig()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"size": -5}, "-5 pixels"), ({"view": (0.0, 100.0)}, "outside the camera's range")],
)
def test_portraits_that_cannot_be_taken_are_clear_errors(
    avatars: Avatars, options: dict[str, object], message: str
) -> None:
    person = avatars.person("train", "F001")
    with pytest.raises(ConfigError, match=message):
        avatars.studio.portrait(person, torch.zeros(1, len(AUS)), **options)  # type: ignore[arg-type]
