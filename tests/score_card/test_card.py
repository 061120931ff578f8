"""The score card of synthesizers whose worth is known: one that paints the truth, one that copies.

The judge that is fitted here is as good as seconds allow, so its numbers are compared with each
other and not with wishes.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.config.resolve import nest, resolve
from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.data.records import partition_rows
from aukit.errors import DataError, StageError
from aukit.faces.registration import Registration
from aukit.faces.shards import align_rows
from aukit.faces.stored import StoredFaces
from aukit.faces.truth import Truth
from aukit.progress import Silent, SilentBar
from aukit.score_card.card import changing, make_card
from aukit.score_card.draws import Draws
from aukit.score_card.evidence import gather
from aukit.score_card.judges import Seat, calibrate, reader_seat
from aukit.score_card.making import Making, asked_batches
from aukit.score_card.pictures import Album, Recorder
from aukit.score_card.requests import NONE, Requests, draw_requests
from aukit.statistics.pictures import PEAK, ROUNDING
from aukit.vision.images import read
from aukit_local.executors import Inline
from aukit_local.plugin import InlineConfig

sys.path.insert(0, str(Path(__file__).parents[1] / "end_to_end"))
import tiny_plugin

AUS = tiny_plugin.AUS
BEST = 10 * torch.log10(torch.tensor(PEAK**2 / ROUNDING)).item()
CHOICE = Choice(Component("judge", "toy", "a:B", tiny_plugin.NoConfig, "toy"), None)


@pytest.fixture(scope="module")
def registration() -> Registration:
    settings = {"data": "drawn", "aligner": "centre", "data.people": 4, "data.frames": 22}
    role = resolve(tiny_plugin.registry(), [("test", nest(settings))], "quick").roles["test"]
    return Registration(role.data, role.landmarker, role.aligner, Context())


@pytest.fixture(scope="module")
def faces(registration: Registration, tmp_path_factory: pytest.TempPathFactory) -> StoredFaces:
    folder = tmp_path_factory.mktemp("faces")
    rows = partition_rows(registration.dataset.index(), "test")
    align_rows(registration, rows, folder, Inline(InlineConfig(), Context()), Silent())
    return StoredFaces([folder], AUS)


class Sees:
    """A perfect judge of drawn faces: it measures where brow and mouth really are."""

    measures = "intensity"
    names = AUS
    calibrated = True

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        dark = images[:, 0].float() < 26
        rows = torch.arange(images.shape[-1]).float()
        brow = dark[:, 8:22, 20:28].any(2)
        height = (brow * rows[8:22]).sum(1) / brow.sum(1).clamp_min(1)
        corner = dark[:, 22:40, 12:14].any(2)
        lift = (corner * rows[22:40]).sum(1) / corner.sum(1).clamp_min(1)
        middle = dark[:, 22:40, 24:25].any(2)
        base = (middle * rows[22:40]).sum(1) / middle.sum(1).clamp_min(1)
        smile = (base - lift) / (1.5 * (11.5 / 12) ** 2)
        return torch.stack([16 - height, smile], 1).clamp(0, 5)


class Halves(Sees):
    """The same on a scale of its own."""

    calibrated = False

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        return super().look(images, landmarks).square() / 50


class Thumbnail:
    """Features: the picture at 3 x 3 pixels."""

    measures = "features"
    names = ("Fréchet distance, thumbnails",)
    calibrated = False

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        small = torch.nn.functional.adaptive_avg_pool2d(images[:, :1].float() / 255, 3)
        return small.flatten(1)


class Skin:
    """Identity: the colour of the cheek."""

    measures = "identity"
    names = ("identity distance, skin",)
    calibrated = False

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        return images[:, :1, 24, 10].float() / 255


class Copies:
    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Tensor:
        return faces.images


class PaintsInRegions(Copies):
    """Copies, with a reader that sees what was asked for everywhere, and a known region."""

    aus = AUS

    def regions(self, faces: FaceBatch) -> Tensor:
        attention = torch.zeros(len(faces), len(AUS), *faces.images.shape[-2:])
        attention[:, 0] = 0.5
        return attention

    def read(self, faces: FaceBatch) -> Tensor:
        return torch.full((len(faces), len(AUS)), 1.0)


def seats(*judges: Any) -> list[Seat]:
    return [Seat(type(judge).__name__.lower(), judge, CHOICE) for judge in judges]


def brush() -> tiny_plugin.Brush:
    return tiny_plugin.Brush(tiny_plugin.NoConfig(), Context())


Card = dict[str, Any]


@pytest.fixture(scope="module")
def card(registration: Registration, faces: StoredFaces) -> Callable[[Any, Any], Card]:
    def make(synthesizer: Any, *judges: Any, strict: bool = False, known: bool = True) -> Card:
        requests = draw_requests(faces, 2, 0)
        truth = Truth(registration) if known else None
        chosen = seats(*judges)
        evidence = gather(synthesizer, chosen, faces, requests, truth, SilentBar(), lambda *_: None)
        changed = changing(faces, requests)
        found = make_card(evidence, chosen, changed, Draws(50, 0), strict=strict)
        json.dumps(found, allow_nan=False)
        return found

    return make


def test_requests_are_of_absent_aus_on_different_people_and_of_real_vectors(
    faces: StoredFaces,
) -> None:
    requests = draw_requests(faces, 3, 0)
    labels, levels = faces.labels, ~requests.vectors
    for au in range(len(AUS)):
        rows = requests.rows[requests.au == au]
        assert (labels.values[rows, au] == 0).all()
        assert labels.mask[rows, au].all()
        assert len({faces.people[row] for row in rows.tolist()}) == 3
        assert requests.level[requests.au == au].tolist() == [0, 1, 2, 3, 4, 5] * 3
    assert requests.targets.mask[levels].sum(1).eq(1).all()
    asked = requests.targets.values[levels].amax(1)
    assert asked.equal(requests.level[levels].float())
    real, rows = requests.real[requests.vectors], requests.rows[requests.vectors]
    assert requests.targets.values[requests.vectors].equal(labels.values[real])
    assert [faces.people[r] for r in real.tolist()] == [faces.people[r] for r in rows.tolist()]
    assert (labels.values[real] != labels.values[rows]).any(1).all()
    assert not {*requests.spare.tolist(), *rows.tolist()} & set(real.tolist())
    assert len(set(real.tolist())) == len(real) == 40  # half of the coded frames of each person
    assert labels.values[rows].sum() < 0.8 * labels.values[real].sum()
    assert (requests.real[levels] == NONE).all()


def test_requests_are_a_function_of_the_faces_and_the_seed(faces: StoredFaces) -> None:
    def flat(requests: Requests) -> list[int]:
        return [*requests.rows.tolist(), *requests.seeds.tolist(), *requests.spare.tolist()]

    assert flat(draw_requests(faces, 2, 0)) == flat(draw_requests(faces, 2, 0))
    assert flat(draw_requests(faces, 2, 0)) != flat(draw_requests(faces, 2, 1))


def test_who_paints_the_truth_comes_out_perfect(card: Callable[..., Card]) -> None:
    found = card(brush(), Sees(), Thumbnail(), Skin())
    near = found["closeness"]["all"]
    for region in ("face", "changes"):
        assert near[region]["painted"]["l1"]["value"] == 0
        assert near[region]["painted"]["psnr"]["value"] == pytest.approx(BEST)
        assert near[region]["painted"]["ssim"]["value"] == pytest.approx(1)
        assert near[region]["gain"]["psnr"]["low"] > 10
    assert near["face"]["copied"]["psnr"]["value"] < near["face"]["painted"]["psnr"]["value"]
    agreement = found["agreement"]["sees"]
    for kind in ("levels", "vectors"):
        for au in AUS:
            assert agreement[kind]["painted"][au]["icc"]["value"] > 0.95
            assert agreement[kind]["painted"][au] == agreement[kind]["truth"][au]
    assert agreement["vectors"]["real"]["mean"]["icc"]["value"] > 0.95
    talk = found["cross_talk"]["sees"]["5"]
    assert talk["painted"] == talk["truth"]
    for row in range(2):
        for column in range(2):
            expected = 5 if row == column else 0
            assert talk["painted"][row][column] == pytest.approx(expected, abs=0.4)
    assert talk["summary"]["other AUs, painted from truth"]["value"] == 0
    (distance,) = found["distance"]
    assert distance["truth"] == distance["painted"]
    assert distance["painted"]["value"] < 0.2 * distance["copied"]["value"]
    (identity,) = found["identity"]
    assert identity["painted from given"]["value"] == 0
    assert identity["other person, real"]["value"] > identity["same person, real"]["value"] == 0


def test_who_copies_gains_nothing(card: Callable[..., Card]) -> None:
    found = card(Copies(), Sees(), Thumbnail())
    for group in found["closeness"].values():
        for region in ("face", "changes"):
            assert group[region]["painted"] == group[region]["copied"]
            assert group[region]["gain"]["psnr"] in (
                {"value": 0.0, "low": 0.0, "high": 0.0},
                {"value": None, "low": None, "high": None},
            )
    levels = found["agreement"]["sees"]["levels"]
    assert levels["painted"] == levels["copied"]
    assert abs(levels["painted"]["mean"]["icc"]["value"]) < 0.05
    assert levels["truth"]["mean"]["icc"]["value"] > 0.95
    talk = found["cross_talk"]["sees"]["5"]
    assert talk["painted"] == [[0, 0], [0, 0]]
    assert talk["truth"][0][0] == pytest.approx(5, abs=0.4)
    assert found["distance"][0]["painted"] == found["distance"][0]["copied"]


def test_a_group_is_scored_alone(card: Callable[..., Card]) -> None:
    near = card(brush(), Sees())["closeness"]
    assert {"all", "vectors", *AUS, *(f"level {n}" for n in range(1, 6))} == set(near)
    # The higher the level, the further is the copied input from the truth.
    copied = [near[f"level {n}"]["face"]["copied"]["psnr"]["value"] for n in (1, 3, 5)]
    assert copied == sorted(copied, reverse=True)
    assert near["AU01"]["requests"] == 10


def test_the_change_is_all_of_the_truth_or_none(card: Callable[..., Card]) -> None:
    whole, none = (card(painter, Sees())["change"] for painter in (brush(), Copies()))
    for au in ("mean", *AUS):
        assert whole[au]["amount"]["value"] == pytest.approx(1)
        assert whole[au]["direction"]["value"] == pytest.approx(1)
        assert none[au]["amount"]["value"] == 0
        assert none[au]["direction"]["value"] is None
    assert card(Copies(), Sees(), known=False)["change"] is None


def test_pictures_made_elsewhere_are_the_same(
    registration: Registration, faces: StoredFaces
) -> None:
    """Function, items and results travel as bytes, as between the processes of an executor."""
    requests, chosen = draw_requests(faces, 2, 0), seats(Thumbnail())
    there = pickle.loads(pickle.dumps(Making(brush, registration, AUS)))
    batches = [
        pickle.loads(pickle.dumps(there(pickle.loads(pickle.dumps(asked)))))
        for asked in asked_batches(faces, requests)
    ]
    here, elsewhere = (
        gather(
            brush(), chosen, faces, requests, Truth(registration), SilentBar(), lambda *_: None,
            made,
        )
        for made in (None, batches)
    )  # fmt: skip
    assert elsewhere.closeness is not None
    assert torch.equal(here.painted["thumbnail"], elsewhere.painted["thumbnail"])
    for name in ("closeness", "change"):
        torch.testing.assert_close(
            getattr(elsewhere, name), getattr(here, name), rtol=0, atol=0, equal_nan=True
        )


def test_judges_do_not_see_truth_that_could_not_be_registered(
    registration: Registration, faces: StoredFaces
) -> None:
    class NeedsFaces(Thumbnail):
        def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
            if bool((landmarks.amax(1) <= landmarks.amin(1)).any()):
                raise ZeroDivisionError("a face without size")
            return super().look(images, landmarks)

    requests = draw_requests(faces, 2, 0)
    there = Making(brush, registration, AUS)
    for failed in (slice(0, 1), slice(None)):
        batches = [there(asked) for asked in asked_batches(faces, requests)]
        for batch in batches:
            assert batch.truth is not None
            for field in batch.truth:
                field[failed] = 0
        evidence = gather(
            brush(), seats(NeedsFaces()), faces, requests, Truth(registration), SilentBar(),
            lambda *_: None, batches,
        )  # fmt: skip
        assert evidence.truth is not None
        (seen,) = evidence.truth.values()
        assert bool(seen[failed].isnan().all())
        assert len(seen) == len(requests)
        assert bool(seen.isfinite().any()) == (failed.stop is not None)


def test_regions_and_the_own_reader_stand_apart_from_the_judges(
    registration: Registration, faces: StoredFaces, card: Callable[..., Card]
) -> None:
    painter = PaintsInRegions()
    own = reader_seat(painter, CHOICE)
    assert own is not None
    chosen = [*seats(Sees()), own]
    requests = draw_requests(faces, 2, 0)
    evidence = gather(
        painter, chosen, faces, requests, Truth(registration), SilentBar(), lambda *_: None
    )
    found = make_card(evidence, chosen, changing(faces, requests), Draws(5, 0))
    assert found["regions"] == {
        "AU01": {"reach": 1, "attention": 0.5},
        "AU12": {"reach": 0, "attention": 0},
        "all": {"reach": 1, "attention": 0.5},
    }
    assert set(found["agreement"]) == {"sees"}
    asked = requests.targets.values[requests.vectors]
    for number, au in enumerate(AUS):
        expected = (asked[:, number] - 1).abs().mean().item()
        assert found["own"]["vectors"]["painted"][au]["mae"]["value"] == pytest.approx(expected)
    plain = card(Copies(), Sees())
    assert plain["regions"] is None
    assert plain["own"] is None
    assert reader_seat(Copies(), CHOICE) is None


def test_without_the_truth_everything_else_is_scored(card: Callable[..., Card]) -> None:
    found = card(brush(), Sees(), Thumbnail(), known=False)
    assert found["closeness"] is None
    assert "truth" not in found["agreement"]["sees"]["levels"]
    assert "truth" not in found["cross_talk"]["sees"]["5"]
    assert found["agreement"]["sees"]["levels"]["painted"]["mean"]["icc"]["value"] > 0.95
    assert any("cannot render the truth" in note for note in found["notes"])


def test_a_judge_with_a_scale_of_its_own_is_calibrated(
    card: Callable[..., Card], faces: StoredFaces
) -> None:
    (seat,) = seats(Halves())
    (rises,) = [calibrate(seat, faces, range(len(faces)))]
    batch = faces.batch(range(len(faces)))
    levels = rises.levels(rises.look(batch.images, batch.landmarks))
    exact = Sees().look(batch.images, batch.landmarks).double()
    assert (levels - exact).abs().mean() < 0.2
    assert not seat.levels(seat.look(batch.images, batch.landmarks)).isfinite().any()
    raw = card(brush(), Halves())["agreement"]["halves"]["levels"]["painted"]["AU01"]
    assert raw["icc"]["value"] is None
    assert raw["spearman"]["value"] == pytest.approx(1, abs=0.02)


def test_too_few_pictures_are_flagged_and_refused_to_who_asked(card: Callable[..., Card]) -> None:
    class Wide(Thumbnail):
        def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
            return images[:, 0, ::4, ::4].float().flatten(1) / 255

    found = card(brush(), Wide())
    assert not found["distance"][0]["enough"]
    assert any("40 pictures are too few for 144 dimensions" in note for note in found["notes"])
    assert card(brush(), Wide(), strict=True)["distance"][0]["enough"] is False


def test_a_named_judge_with_too_few_pictures_is_refused(
    registration: Registration, faces: StoredFaces
) -> None:
    class Wide(Thumbnail):
        def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
            return images[:, 0, ::4, ::4].float().flatten(1) / 255

    requests = draw_requests(faces, 1, 0)
    asked = [replace(seats(Wide())[0], asked=True)]
    evidence = gather(brush(), asked, faces, requests, None, SilentBar(), lambda *_: None)
    with pytest.raises(DataError, match="needs at least 144 pictures, but there are 25"):
        make_card(evidence, asked, changing(faces, requests), Draws(5, 0), strict=True)


class Raises(Sees):
    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        raise RuntimeError("the jury is out")


def test_a_broken_judge_is_named(card: Callable[..., Card]) -> None:
    complaint = r"judge 'toy' .* failed in stage score-card: .*the jury is out"
    with pytest.raises(StageError, match=complaint):
        card(Copies(), Raises())


def test_a_named_judge_that_knows_no_picture_is_refused(faces: StoredFaces) -> None:
    class Elsewhere(Sees):
        def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
            return torch.full_like(super().look(images, landmarks), torch.nan)

    requests = draw_requests(faces, 1, 0)
    for asked in (False, True):
        with (
            nullcontext() if not asked else pytest.raises(DataError, match="has no result for any")
        ):
            jury = [replace(seat, asked=asked) for seat in seats(Elsewhere())]
            gather(brush(), jury, faces, requests, None, SilentBar(), lambda *_: None)


def test_albums_and_exports_hold_the_pictures(
    registration: Registration, faces: StoredFaces, tmp_path: Path
) -> None:
    requests, album = draw_requests(faces, 1, 0), Album()
    recorder = Recorder(tmp_path)
    gather(brush(), seats(recorder), faces, requests, Truth(registration), SilentBar(), album.keep)
    album.write(tmp_path / "grids", faces, requests)
    grid = read(tmp_path / "grids" / "AU12.png").image
    assert grid is not None
    assert grid.shape[2] > 6 * 96
    exported = sorted(tmp_path.glob("*.png"))
    assert {path.stem for path in exported} == recorder.written
    shown = read(exported[0]).image
    assert shown is not None
    assert shown.shape == (3, 48, 48)
