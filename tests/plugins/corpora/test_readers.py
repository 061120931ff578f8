"""Every reader makes of an imitation of its corpus what the imitation says it has to."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from aukit.contracts.dataset import KnowsSources
from aukit.contracts.survey import Surveys
from aukit.data.kinds import au_kinds
from aukit.data.records import au_columns, check_index
from aukit.errors import ConfigError
from aukit.registry.loading import default_registry
from aukit.store.files import read_table
from aukit.testing import Subject, run_checks
from aukit.vision.film import BATCH_FRAMES
from aukit.vision.movie import write_movie
from aukit_corpora.imitate import BUILDERS
from aukit_corpora.imitation import TRUTH

Imitation = Callable[[str], Path]


def reader(corpus: str, root: Path, **options: Any) -> Any:
    component = default_registry().find("data", corpus)
    values = {"root": root / "list.csv" if corpus == "emotionet" else root, **options}
    return Subject(component, values).make()


@pytest.mark.parametrize("corpus", BUILDERS)
def test_frames_codes_and_reasons_are_those_that_were_built(
    corpus: str, imitation: Imitation
) -> None:
    root = imitation(corpus)
    truth = read_table(root / TRUTH)
    dataset = reader(corpus, root)
    index = dataset.index()
    check_index(index)
    wanted = {row["id"]: row for row in truth.to_pylist()}
    found = {row["id"]: row for row in index.to_pylist()}
    assert found.keys() == wanted.keys()
    assert {au: kind for au, kind in au_kinds(index).items() if au in au_columns(truth)} == (
        au_kinds(truth)
    )
    for name, row in found.items():
        for key in ("subject", "task", "view", "frame", *au_columns(truth)):
            assert row[key] == wanted[name][key], f"{name} {key}"
    reasons = {
        name: reason
        for frames in dataset.read(index)
        for name, reason in zip(frames.rows["id"].to_pylist(), frames.reasons, strict=True)
    }
    assert reasons == {name: row["reason"] for name, row in wanted.items()}


@pytest.mark.parametrize("corpus", [name for name in BUILDERS if name != "emotionet"])
def test_every_picture_is_of_the_frame_that_its_row_names(
    corpus: str, imitation: Imitation
) -> None:
    """The grey level rises by 9 with every frame (`conftest.grey`), and tells recordings apart."""
    dataset = reader(corpus, imitation(corpus), uncoded=True)
    shades: dict[tuple[str, ...], set[int]] = {}
    for frames in dataset.read(dataset.index()):
        for row, image in zip(frames.rows.to_pylist(), frames.images, strict=True):
            if image is not None:
                base = round(float(image.float().mean()) - 9 * row["frame"]) % 240
                key = tuple(str(row[name]) for name in ("partition", "subject", "task", "view"))
                shades.setdefault(key, set()).add(base)
    assert len(shades) >= 4
    for key, found in shades.items():
        first = min(found)
        assert all(min((b - first) % 240, (first - b) % 240) <= 4 for b in found), key
    assert len({min(found) for found in shades.values()}) > len(shades) / 2


@pytest.mark.parametrize(("corpus", "least"), [("bp4d", 1), ("fera17", 2)])
def test_occurrence_can_lie_beside_intensity(corpus: str, least: int, imitation: Imitation) -> None:
    """Imitations call present what has this level at least."""
    richer = reader(corpus, imitation(corpus), codes="richer").index()
    both = reader(corpus, imitation(corpus), codes="both").index()
    assert both.select(richer.column_names) == richer
    beside = [name for name in both.column_names if name not in richer.column_names]
    assert beside == [f"AU{n:02d}_present" for n in (1, 4, 6, 10, 12, 14, 17)][-len(beside) :]
    for row in both.select(["AU12", "AU12_present"]).to_pylist():
        if row["AU12"] is not None:
            assert row["AU12_present"] == (row["AU12"] >= least)
    with pytest.raises(ConfigError, match="richer, intensity, occurrence, both"):
        reader(corpus, imitation(corpus), codes="all")


@pytest.mark.parametrize("corpus", BUILDERS)
def test_the_contract_is_kept(corpus: str, imitation: Imitation) -> None:
    component = default_registry().find("data", corpus)
    root = imitation(corpus)
    place = root / "list.csv" if corpus == "emotionet" else root
    outcomes = list(run_checks(Subject(component, {"root": place})))
    assert [o for o in outcomes if o.result == "failed"] == []
    assert sum(o.result == "passed" for o in outcomes) >= 8


@pytest.mark.parametrize("corpus", BUILDERS)
def test_a_reader_names_its_files_terms_and_citation(corpus: str, imitation: Imitation) -> None:
    root = imitation(corpus)
    dataset = reader(corpus, root)
    assert isinstance(dataset, KnowsSources)
    assert isinstance(dataset, Surveys)
    files = set(dataset.sources())
    assert files
    assert all(path.is_relative_to(root) for path in files)
    survey = dataset.survey()
    assert survey.recordings > 0
    assert corpus == "table" or (survey.licence and survey.citation)


@pytest.mark.parametrize("corpus", ["table", "fera17"])
def test_pictures_in_flight_do_not_grow_with_a_video(corpus: str, tmp_path: Path) -> None:
    count = 20 * BATCH_FRAMES
    video = "train/ims/FERA17_TR_F001_T1_6.mp4"
    (tmp_path / "validation").mkdir()
    (tmp_path / "train" / "ims").mkdir(parents=True)
    (tmp_path / "train" / "int").mkdir()
    rows = [f"{video},{n},p{n % 3},{n % 6}" for n in range(count)]
    (tmp_path / "labels.csv").write_text("\n".join(["file,frame,person,AU12", *rows]))
    rows = [f"{n + 1},{n % 6}" for n in range(count)]
    (tmp_path / "train/int/FERA17_TR_F001_T1_AU12_Int.csv").write_text("\n".join(rows))
    pictures = (torch.full((3, 16, 16), n % 256, dtype=torch.uint8) for n in range(count))
    write_movie(tmp_path / video, pictures)
    dataset = reader(corpus, tmp_path, **({"views": "6"} if corpus == "fera17" else {}))
    seen: list[weakref.ref[torch.Tensor]] = []
    alive = []
    for frames in dataset.read(dataset.index()):
        seen += [weakref.ref(image) for image in frames.images]
        alive.append(sum(picture() is not None for picture in seen))
    assert len(seen) == count
    assert max(alive) <= 3 * BATCH_FRAMES
