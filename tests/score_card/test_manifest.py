"""Exported pictures say what they are; whole sets of labels; numbers that others have published."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from aukit.errors import ConfigError
from aukit.faces.stored import StoredFaces
from aukit.report.card_rows import detections
from aukit.score_card.manifest import MANIFEST, Manifest
from aukit.score_card.pictures import Batch
from aukit.score_card.published import read_published
from aukit.score_card.requests import draw_requests
from aukit.vision.fingerprint import fingerprint

Store = Callable[[int], StoredFaces]
EXAMPLES = Path(__file__).parents[2] / "examples" / "lac-gan"


def test_the_whole_set_is_asked_for_with_all_its_labels(store: Store) -> None:
    faces = store(24)
    requests = draw_requests(faces, 1, 0, whole=True)
    vectors = requests.vectors
    assert sorted(requests.real[vectors].tolist()) == list(range(24))
    assert requests.targets.mask[vectors].equal(faces.labels.mask[requests.real[vectors]])
    for row, real in zip(requests.rows[vectors], requests.real[vectors], strict=True):
        assert faces.people[int(row)] == faces.people[int(real)]
        assert not faces.labels.values[row].equal(faces.labels.values[real])


def test_each_picture_is_named_with_its_person_and_labels(store: Store, tmp_path: Path) -> None:
    faces = store(12)
    requests = draw_requests(faces, 1, 0, whole=True)
    manifest, painted = Manifest(faces), {}
    for start in range(0, len(requests), 5):
        rows = requests.rows[start : start + 5].tolist()
        each = torch.arange(start, start + len(rows), dtype=torch.uint8)
        images = faces.images(rows) // 2 + each.view(-1, 1, 1, 1)
        painted |= {fingerprint(image): start + place for place, image in enumerate(images)}
        manifest.keep(start, requests, Batch(faces.images(rows), images, None))
    manifest.write(tmp_path / MANIFEST, requests)
    with (tmp_path / MANIFEST).open(newline="") as text:
        table = list(csv.DictReader(text))
    real = [row for row in table if row["set"] == "real"]
    assert len(real) == len(requests.used)
    by_id = {row["id"]: row for row in real}
    ids = faces.table.column("id").to_pylist()
    assert by_id[ids[3]]["image"] == f"{fingerprint(faces.images([3])[0])}.png"
    assert (by_id[ids[3]]["AU04"], by_id[ids[3]]["AU12"]) == ("3", "")
    asked = [row for row in table if row["set"] == "synthetic"]
    assert {row["image"].removesuffix(".png") for row in asked} == set(painted)
    for row in asked:
        number = painted[row["image"].removesuffix(".png")]
        if row["request"] == "vector":
            target = by_id[row["target"]]
            assert (row["person"], row["AU04"]) == (target["person"], target["AU04"])
        else:
            column = f"{faces.aus[int(requests.au[number])]}"
            assert row[column] == f"{int(requests.level[number])}"


def test_a_foreign_table_is_not_replaced(store: Store, tmp_path: Path) -> None:
    faces = store(12)
    (tmp_path / MANIFEST).write_text("mine")
    with pytest.raises(ConfigError, match=MANIFEST):
        Manifest(faces).write(tmp_path / MANIFEST, draw_requests(faces, 1, 0))
    assert (tmp_path / MANIFEST).read_text() == "mine"


def test_the_published_table_of_the_second_paper() -> None:
    """Both detectors, with the gaps that the paper prints for their means."""
    rows = detections({"published": read_published(EXAMPLES / "published" / "table1.toml")})
    assert [len(rows[f"{name}, published"]) for name in ("OpenFace", "JAA-Net")] == [12, 13]
    for name, gap in (("OpenFace", 0.076), ("JAA-Net", 0.066)):
        found = dict(rows[f"{name}, published"])["mean"]
        assert found[2]["value"] == pytest.approx(gap, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["OpenFace = 3", "[OpenFace]\nAU01 = [0.5, 0.5]", "[OpenFace]\nAU01 = [64, 76, 75, 88]"]
)
def test_what_is_no_published_table_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"t\.toml"):
        read_published(tmp_path / "t.toml")
