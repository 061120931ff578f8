"""Stored faces: filtered, random access, labels with masks."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

from aukit.data.records import face_schema
from aukit.errors import DataError
from aukit.faces import mapped, pictures
from aukit.faces.pictures import decode
from aukit.faces.shards import write_faces
from aukit.faces.stored import StoredFaces, read_rows, shards
from aukit.store.files import read_table, write_table
from aukit.vision.images import encode

AUS = ("AU01", "AU12")


def _rows(images: torch.Tensor, start: int) -> pa.Table:
    rows = []
    for number, png in enumerate(encode(images), start):
        dropped = number % 5 == 4
        rows.append(
            {
                "id": f"d/train/p{number % 3}/{number}",
                "dataset": "d",
                "partition": "train" if number % 2 else "test",
                "subject": f"p{number % 3}",
                "face": 0,
                "image": None if dropped else png,
                "landmarks": [float(number)] * 136,
                "status": "dropped" if dropped else "ok",
                "reason": "no face" if dropped else None,
                "origin": "real",
                "AU01": None if number % 3 == 0 else float(number % 6),
                "AU12": 2.0,
            }
        )
    return pa.Table.from_pylist(rows, schema=face_schema(AUS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8)
    write_table(tmp_path / "part-00000.parquet", _rows(images[:12], 0), row_group=4)
    write_table(tmp_path / "part-00001.parquet", _rows(images[12:], 12), row_group=4)
    return tmp_path


@pytest.mark.parametrize("limit", [1 << 30, 2 * 3 * 8 * 8, 0])
def test_random_access_brings_the_right_rows(folder: Path, limit: int) -> None:
    torch.manual_seed(0)
    images = torch.randint(0, 256, (20, 3, 8, 8), dtype=torch.uint8)
    stored = StoredFaces([folder], AUS, limit=limit)
    kept = [n for n in range(20) if n % 5 != 4]
    assert len(stored) == len(kept)
    order = [7, 0, 15, 0]
    for _ in range(2):
        batch = stored.batch(order)
        assert batch.ids == tuple(f"d/train/p{kept[i] % 3}/{kept[i]}" for i in order)
        assert torch.equal(batch.images, images[[kept[i] for i in order]])
        assert torch.equal(batch.landmarks[:, 5, 1], torch.tensor([float(kept[i]) for i in order]))


@pytest.mark.skipif(os.name != "posix", reason="mapped files cannot be removed elsewhere")
def test_a_killed_process_leaves_no_pictures_behind(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path_factory.mktemp("scratch")
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    stored = StoredFaces([folder], AUS)
    assert list(scratch.iterdir()) == []
    assert len(stored.batch(range(len(stored))).images) == 16


def test_rows_of_several_folders_come_from_anywhere(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many batches of rows, one file and one row group kept at a time, other columns elsewhere."""
    monkeypatch.setattr(mapped, "LEAST", 3)
    monkeypatch.setattr(pictures, "FILES", 1)
    monkeypatch.setattr(pictures, "GROUPS", 1)
    other = tmp_path_factory.mktemp("other")
    random = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (9, 3, 8, 8), dtype=torch.uint8, generator=random)
    rows = _rows(images, 100)
    write_faces(other / "part-00000.parquet", rows.drop_columns("AU12"))
    stored = StoredFaces([folder, other], AUS, limit=5 * 3 * 8 * 8)
    good = [read_table(part).filter(pc.field("status") == "ok") for part in shards(folder)]
    whole = pa.concat_tables([*good, rows.filter(pc.field("status") == "ok")])
    order = torch.randperm(len(stored), generator=random).tolist()
    found, wanted = stored.rows(order), whole.take(order)
    for name in wanted.column_names:
        if name != "AU12":
            assert found.column(name).to_pylist() == wanted.column(name).to_pylist(), name
    coded = [None if int(row["id"].split("/")[3]) >= 100 else 2.0 for row in wanted.to_pylist()]
    assert found.column("AU12").to_pylist() == coded
    assert stored.images(order).equal(decode(wanted.column("image").to_pylist()))
    assert stored.rows([]).schema.names == found.schema.names


def test_pictures_are_stored_as_they_are_and_found_in_small_groups(tmp_path: Path) -> None:
    images = torch.randint(0, 256, (200, 3, 8, 8), dtype=torch.uint8)
    rows = _rows(images, 0)
    write_faces(tmp_path / "part-00000.parquet", rows)
    assert read_table(tmp_path / "part-00000.parquet").equals(rows)
    group = pq.read_metadata(tmp_path / "part-00000.parquet").row_group(0)
    codecs = {group.column(n).path_in_schema: group.column(n).compression for n in range(20)}
    assert group.num_rows == 64
    assert codecs["image"] == "UNCOMPRESSED"
    assert codecs["landmarks.list.element"] == codecs["id"] == "ZSTD"


def test_a_shard_that_is_damaged_meanwhile_is_named(folder: Path) -> None:
    stored = StoredFaces([folder], AUS, limit=0)
    part = folder / "part-00001.parquet"
    part.unlink()
    part.write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=r"part-00001\.parquet is not a readable Parquet file"):
        stored.images([len(stored) - 1])


def test_uncoded_aus_are_masked(folder: Path) -> None:
    stored = StoredFaces([folder], AUS)
    assert stored.labels.mask[:, 1].all()
    assert stored.labels.mask[:, 0].tolist() == [n % 3 != 0 for n in range(20) if n % 5 != 4]
    assert (stored.labels.values[~stored.labels.mask] == 0).all()


def test_a_partition_can_be_chosen_and_an_empty_one_is_named(folder: Path) -> None:
    assert len(StoredFaces([folder], AUS, "train")) == 8
    with pytest.raises(DataError, match="no registered faces are left in partition 'valid'"):
        StoredFaces([folder], AUS, "valid")
    with pytest.raises(DataError, match="contains no faces"):
        StoredFaces([folder / "empty"], AUS)


def test_where_every_face_was_dropped_the_reasons_are_counted(tmp_path: Path) -> None:
    rows = _rows(torch.zeros(5, 3, 8, 8, dtype=torch.uint8), 0).slice(4)
    write_table(tmp_path / "part-00000.parquet", rows)
    with pytest.raises(DataError, match="no registered faces are left; 1 x ") as caught:
        StoredFaces([tmp_path], AUS)
    assert rows["reason"][0].as_py() in str(caught.value)


def test_rows_without_pixels_keep_the_dropped_ones(folder: Path) -> None:
    rows = read_rows(folder)
    assert rows.num_rows == 20
    assert "image" not in rows.column_names


def test_png_is_lossless() -> None:
    images = torch.randint(0, 256, (3, 3, 17, 17), dtype=torch.uint8)
    assert torch.equal(decode(encode(images)), images)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_decodes_with_threads_of_its_own(
    store: Callable[..., StoredFaces],
) -> None:
    faces = store(6)
    before = faces.batch([0, 1]).images  # starts the threads
    loader = torch.utils.data.DataLoader(
        [2, 3],  # type: ignore[arg-type]
        collate_fn=lambda rows: faces.batch(rows).images,
        num_workers=1,
        multiprocessing_context="fork",
        timeout=60,
    )
    (found, _) = loader
    assert found.equal(store_of(faces, [2]))
    assert before.equal(store_of(faces, [0, 1]))


def store_of(faces: StoredFaces, rows: list[int]) -> torch.Tensor:
    return decode(faces.rows(rows).column("image").to_pylist())
