"""The normalizers `mean-texture` and `au0`."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from torch import Tensor

from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.errors import DataError
from aukit.testing.drawn import DrawnFaces
from aukit_temporal.difference import DARK, People, difference
from aukit_temporal.mean import MeanTexture
from aukit_temporal.neutral import Au0, in_time, least_active, nearest_to_median
from aukit_temporal.plugin import Au0Config, MeanTextureConfig

AUS = ("AU01", "AU12")


class Faces:
    """Given faces of given people (`FaceSource`)."""

    def __init__(
        self, images: Tensor, people: list[str], labels: Any = None, frames: Any = None
    ) -> None:
        count = len(images)
        self.images = images.to(torch.uint8)
        self.people = people
        self.aus = AUS
        values = torch.zeros(count, 2) if labels is None else torch.tensor(labels).float()
        self.labels = Labels(AUS, values.nan_to_num(), values.isfinite())
        self.largest = 0
        self.table = pa.table(
            {
                "id": [f"f{n:03d}" for n in range(count)],
                "dataset": ["d"] * count,
                "partition": ["train"] * count,
                "subject": people,
                "task": ["t"] * count,
                "frame": list(range(count)) if frames is None else frames,
            }
        )

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: Any) -> FaceBatch:
        chosen = list(indices)
        self.largest = max(self.largest, len(chosen))
        return FaceBatch(
            ids=tuple(f"f{n:03d}" for n in chosen),
            subjects=tuple(f"d/train/{self.people[n]}" for n in chosen),
            images=self.images[chosen],
            labels=self.labels.take(chosen),
            landmarks=torch.zeros(len(chosen), 68, 2),
        )

    def whole(self) -> FaceBatch:
        return self.batch(range(len(self)))


def random_faces(count: int, people: int, size: int = 6, seed: int = 0) -> Faces:
    draw = torch.Generator().manual_seed(seed)
    images = torch.randint(DARK, 256, (count, 3, size, size), generator=draw)
    return Faces(images, [f"P{n % people}" for n in range(count)])


def flat(*shades: int, size: int = 4) -> Tensor:
    """Faces of one shade each."""
    return torch.tensor(shades).view(-1, 1, 1, 1).expand(-1, 3, size, size)


def mean_texture(faces: Any, contrast: float = 1.0) -> MeanTexture:
    normalizer = MeanTexture(MeanTextureConfig(contrast), Context())
    normalizer.fit(faces)
    return normalizer


def au0(faces: Any, neutral: Any = "median") -> Au0:
    normalizer = Au0(Au0Config(neutral), Context())
    normalizer.fit(faces)
    return normalizer


def test_the_mean_is_that_of_numpy() -> None:
    faces = random_faces(70, people=3)
    shown = mean_texture(faces).apply(faces.whole()).numpy()
    pixels = faces.images.numpy().astype(np.float64)
    for row, person in enumerate(faces.people):
        own = pixels[[n for n, who in enumerate(faces.people) if who == person]]
        expected = 0.5 + (pixels[row] - own.mean(0)) / 255
        np.testing.assert_allclose(shown[row], expected, atol=1e-6)
    assert faces.largest <= 70
    assert shown.dtype == np.float32


def test_a_person_has_no_mean_left() -> None:
    faces = DrawnFaces(24, people=3)
    shown = mean_texture(faces).apply(faces.batch(range(24)))
    for person in range(3):
        torch.testing.assert_close(shown[person::3].mean(0), torch.full_like(shown[0], 0.5))


def test_frames_that_do_not_show_a_pixel_do_not_count() -> None:
    images = flat(100, 200, 0).clone()
    images[1, :, 0, 0] = 0
    shown = mean_texture(Faces(images, ["P"] * 3)).apply(Faces(images, ["P"] * 3).whole())
    # The mean of the corner is 100 alone; elsewhere it is 150, as the third frame shows nothing.
    assert shown[0, 0, 0, 0] == 0.5
    torch.testing.assert_close(shown[0, 0, 1, 1], torch.tensor(0.5 - 50 / 255))
    assert shown[1, 0, 0, 0] == 0.5, "a hidden pixel differs from nothing"
    assert (shown[2] == 0.5).all()


def test_nearly_black_paint_is_hidden_too() -> None:
    reference = torch.full((1, 3, 2, 2), 100.0)
    known = torch.ones(1, 2, 2, dtype=torch.bool)
    for shade, hidden in ((DARK - 1, True), (DARK, False)):
        shown = difference(flat(shade, size=2).to(torch.uint8), reference, known, 1.0)
        assert bool((shown == 0.5).all()) == hidden


def test_sources_may_come_in_parts_and_in_any_order() -> None:
    faces = random_faces(40, people=2)
    whole = mean_texture(faces).apply(faces.whole())
    parts = MeanTexture(MeanTextureConfig(), Context())
    order = np.random.default_rng(0).permutation(40).tolist()
    for rows in (order[:7], order[7:]):
        parts.fit(Faces(faces.images[rows], [faces.people[n] for n in rows]))
    assert torch.equal(parts.apply(faces.whole()), whole)


def test_memory_is_bounded_by_batches() -> None:
    faces = random_faces(300, people=2)
    mean_texture(faces)
    au0(faces)
    assert faces.largest <= 32


def test_labels_do_not_matter_for_the_mean_and_the_median() -> None:
    plain = random_faces(20, people=2)
    other = Faces(plain.images, plain.people, labels=[[5.0, float("nan")]] * 20)
    for make in (mean_texture, au0):
        assert torch.equal(make(other).apply(plain.whole()), make(plain).apply(plain.whole()))


@pytest.mark.parametrize("make", [mean_texture, au0])
def test_a_synthetic_face_takes_the_reference_of_its_parents_person(make: Any) -> None:
    faces = random_faces(30, people=2)
    normalizer = make(faces)
    painted = dataclasses.replace(
        faces.batch([0, 1]), ids=("f000#1", "f001#2"), images=faces.images[[1, 0]]
    )
    shown, swapped = normalizer.apply(painted), normalizer.apply(faces.batch([1, 0]))
    assert not torch.equal(shown, swapped)
    own = normalizer.apply(faces.batch([0]))
    change = (faces.images[1].float() - faces.images[0].float()) / 255
    torch.testing.assert_close(shown[0] - own[0], change)


@pytest.mark.parametrize("make", [mean_texture, au0])
def test_a_person_who_was_never_seen_is_named(make: Any) -> None:
    normalizer = make(random_faces(12, people=2))
    stranger = random_faces(12, people=3).batch([2])
    with pytest.raises(DataError, match="not fitted on d/train/P2"):
        normalizer.apply(stranger)
    normalizer.fit(random_faces(12, people=3))
    assert normalizer.apply(stranger).isfinite().all()


@pytest.mark.parametrize("make", [mean_texture, au0])
def test_faces_of_another_size_are_refused(make: Any) -> None:
    normalizer = make(random_faces(12, people=2, size=6))
    with pytest.raises(DataError, match="8x8 pixels, those of others 6x6"):
        normalizer.fit(random_faces(12, people=2, size=8))


@pytest.mark.parametrize("make", [mean_texture, au0])
def test_more_people_may_follow_after_loading(make: Any, tmp_path: Path) -> None:
    first, second = random_faces(12, people=1), random_faces(12, people=2, seed=1)
    normalizer = make(first)
    normalizer.save(tmp_path)
    loaded = type(normalizer)(normalizer.config, Context())
    loaded.load(tmp_path)
    loaded.fit(second)
    normalizer.fit(second)
    assert torch.equal(loaded.apply(second.whole()), normalizer.apply(second.whole()))


def test_contrast_is_a_factor() -> None:
    faces = random_faces(12, people=1)
    once, twice = (mean_texture(faces, c).apply(faces.whole()) for c in (1.0, 2.0))
    torch.testing.assert_close(twice - 0.5, 2 * (once - 0.5))


def test_few_frames_are_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        mean_texture(random_faces(20, people=2))
        assert caplog.text == ""
        mean_texture(random_faces(19, people=2))
    assert "the mean face of 1 people (d/train/P1, ...) has fewer than 10" in caplog.text


def neutral_of(faces: Faces, neutral: str) -> int:
    """The frame that was taken: the one that becomes all grey."""
    shown = au0(faces, neutral).apply(faces.whole())
    (grey,) = ((shown == 0.5).flatten(1).all(1)).nonzero().flatten().tolist()
    return int(grey)


def test_each_way_takes_its_own_neutral_frame() -> None:
    labels = [[2, 0], [0, 0], [0, 1], [0, 0], [float("nan"), 0]]
    faces = Faces(flat(90, 60, 100, 150, 140), ["P"] * 5, labels, frames=[3, 4, 0, 1, 2])
    assert neutral_of(faces, "first") == 2  # frame 0
    assert neutral_of(faces, "median") == 2  # 100 is the median shade
    # Two frames are coded as neutral, and one for which that is not known is not among them; of
    # two, the lower median is 60.
    assert neutral_of(faces, "coded") == 1


def test_the_quietest_frame_serves_where_none_is_neutral() -> None:
    labels = Labels(AUS, torch.tensor([[3.0, 1], [1, 1], [2, 0]]), torch.ones(3, 2).bool())
    assert least_active(labels, [0, 1, 2]) == [1, 2]
    uncoded = Labels(AUS, torch.zeros(2, 2), torch.zeros(2, 2).bool())
    assert least_active(uncoded, [0, 1]) == []


def test_people_without_codes_have_the_nearest_to_their_median(
    caplog: pytest.LogCaptureFixture,
) -> None:
    nan = float("nan")
    faces = Faces(flat(60, 100, 150), ["P"] * 3, [[nan, nan]] * 3)
    with caplog.at_level(logging.WARNING):
        assert neutral_of(faces, "coded") == 1
    assert "no frame of 1 people (d/train/P, ...) is coded" in caplog.text


def test_hidden_pixels_do_not_decide_the_nearest() -> None:
    images = flat(100, 120, 120, 160).clone()
    images[1, :, :2] = 0  # half of it is hidden, and the rest is the median
    found = nearest_to_median(Faces(images, ["P"] * 4), range(4))
    assert torch.equal(found, images[1].to(torch.uint8))


def test_a_person_of_whom_nothing_is_seen_is_grey() -> None:
    faces = Faces(flat(0, 0), ["P"] * 2)
    for make in (mean_texture, au0):
        assert (make(faces).apply(faces.whole()) == 0.5).all()


def test_time_goes_by_task_and_frame() -> None:
    faces = Faces(flat(9, 9, 9), ["P"] * 3, frames=[2, 0, 1])
    assert in_time(faces) == [1, 2, 0]


def test_places_stay() -> None:
    people = People(["b", "a"])
    assert people.add(["c", "a", "c"]) == 1
    assert people.keys == ["b", "a", "c"]
    assert people.places(["a", "c", "b"]).tolist() == [1, 2, 0]


@pytest.mark.parametrize("config", [MeanTextureConfig, Au0Config])
@pytest.mark.parametrize("contrast", [0.0, -1.0, 4.1])
def test_impossible_contrasts_are_refused(config: Any, contrast: float) -> None:
    with pytest.raises(ValueError, match="contrast must lie"):
        config(contrast=contrast)
