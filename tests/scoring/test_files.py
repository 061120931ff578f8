"""Tables as people and programs write them: names, numbers, marks, damage."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aukit.errors import DataError
from aukit.scoring.files import column_names, read_columns, whole_numbers
from aukit.scoring.found import table_files


def read(path: Path, text: str, *numbers: str, texts: tuple[str, ...] = ()) -> dict[str, Any]:
    path.write_text(text)
    return read_columns(path, texts, numbers).to_pydict()


def test_a_name_is_text_whatever_it_looks_like(tmp_path: Path) -> None:
    text = "subject, frame, AU1\n001, 1, 0\n1, 2, 0\n F04 , 3, 0\n, 4, 0\nNA, 5, 0\n1.0, 6, 0\n"
    found = read(tmp_path / "a.csv", text, texts=("subject",))
    assert found["subject"] == ["001", "1", "F04", None, "NA", "1.0"]
    assert column_names(tmp_path / "a.csv") == ("subject", "frame", "AU1")


MARKS = ("", " ", "#N/A", "n/a", "NaN", "null", "-nan(ind)", "1.#QNAN", "-1.#IND", "-1.#IND00")


@pytest.mark.parametrize("mark", MARKS)
def test_marks_that_there_is_no_number(tmp_path: Path, mark: str) -> None:
    (tmp_path / "a.csv").write_text(f"frame, AU1, AU2\n1, {mark}, 2.5\n2, 1.5, 3\n")
    found = read_columns(tmp_path / "a.csv", [], ["AU1", "AU2"])
    np.testing.assert_array_equal(found.column("AU1").to_numpy(), [np.nan, 1.5])
    np.testing.assert_array_equal(found.column("AU2").to_numpy(), [2.5, 3.0])


@pytest.mark.parametrize(
    "text",
    [
        "AU1;AU2\n2,49;1\n0;0,5\n",
        "AU1\tAU2\n2,49\t1\n0\t0,5\n",
        "sep=;\nAU1;AU2\n2,49;1\n0;0,5\n",
        '"sep=;"\r\nAU1;AU2\r\n2.49;1\r\n0;0.5\r\n',
        "sep=|\nAU1|AU2\n2.49|1\n0|0,5\n",
        'AU1,AU2\n"2.49",1\n0,0.5\n',
    ],
)
def test_what_parts_the_fields_and_the_decimals(tmp_path: Path, text: str) -> None:
    assert read(tmp_path / "a.csv", text, "AU1", "AU2") == {"AU1": [2.49, 0], "AU2": [1, 0.5]}


def test_a_comma_is_hinted_at_only_where_there_is_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"'AU1' of .*a\.csv .*: '2,49' in row 2") as caught:
        read(tmp_path / "a.csv", 'AU1,AU2\n1,1\n"2,49",1\n', "AU1")
    assert "not commas" in str(caught.value.hint)
    with pytest.raises(DataError, match=r"values that are not numbers: 'much' in row 1") as caught:
        read(tmp_path / "a.csv", "AU1,AU2\nmuch,1\n", "AU1")
    assert caught.value.hint is None


def test_long_fields_and_line_breaks_elsewhere_do_no_harm(tmp_path: Path) -> None:
    long = "x" * 3_000_000
    text = f'frame,note,AU1\n1,{long},2\n2,"two\nlines",3\n'
    assert read(tmp_path / "a.csv", text, "AU1", texts=("frame",)) == {
        "frame": ["1", "2"],
        "AU1": [2, 3],
    }
    with pytest.raises(DataError, match=r"a\.csv has no header of column names"):
        read(tmp_path / "a.csv", "x" * 1_500_000 + "\n1\n", "AU1")
    with pytest.raises(DataError, match=r"the header of .*a\.csv cannot be read"):
        read(tmp_path / "a.csv", "x" * 140_000 + ",AU1\n1,2\n", "AU1")


def test_a_folder_with_what_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere.csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "._p1.csv").write_bytes(b"\0\5\x16\7")
    with pytest.raises(DataError, match="contains no CSV or Parquet file"):
        table_files(tmp_path)
    (tmp_path / "p1.csv").write_text("AU1\n1\n")
    files, notes = table_files(tmp_path)
    assert files == [tmp_path / "p1.csv"]
    assert notes == [
        f"left out of folder {tmp_path.name}, hidden or not regular files: "
        "._p1.csv, folder.csv, gone.csv, pipe.csv"
    ]
    with pytest.raises(DataError, match="is not a regular file"):
        table_files(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="does not exist"):
        table_files(tmp_path / "gone.csv")


def test_parquet_columns_of_any_type(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    columns = {
        " subject": pa.array(["001 ", "x"]).dictionary_encode(),
        "camera": pa.array([3.0, None]),
        "frame": pa.array([1.5, 2.0]),
        "AU1": pa.array([1, None], pa.int8()),
        "AU2": pa.array([True, False]),
        "AU4": pa.array([" 2.5", "#N/A"]),
        "id": pa.array([["a"], ["b"]]),
    }
    pq.write_table(pa.table(columns), path)
    found = read_columns(path, ["subject", "camera", "frame"], ["AU1", "AU2", "AU4"]).to_pydict()
    assert found == {
        "subject": ["001", "x"],
        "camera": ["3", None],
        "frame": ["1.5", "2"],
        "AU1": [1, None],
        "AU2": [1, 0],
        "AU4": [2.5, None],
    }
    for texts, numbers in ((["id"], []), ([], ["id"])):
        with pytest.raises(DataError, match=r"column 'id' of .*a\.parquet holds list"):
            read_columns(path, texts, numbers)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_parquet_pages_are_named(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.parquet"
    table = pa.table({"id": [str(n) for n in range(500)], "AU1": np.linspace(0, 5, 500)})
    pq.write_table(table, path, write_page_checksum=True)
    data = bytearray(path.read_bytes())
    place = np.random.default_rng(seed).integers(40, len(data) // 2)
    data[place : place + 40] = bytes(40)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.parquet is not a readable Parquet file"):
        read_columns(path, ["id"], ["AU1"])


def test_frames_are_whole_numbers_or_names() -> None:
    def frames(*texts: str | None) -> list[int | None] | None:
        found = whole_numbers(pa.chunked_array([pa.array(texts, pa.string())]), "a.csv", "frame")
        return None if found is None else found.to_pylist()

    assert frames("1", "002", None) == [1, 2, None]
    assert frames("12.0", "3", "1e2") == [12, 3, 100]
    assert frames("00001.jpg", "2") is None
    with pytest.raises(DataError, match=r"frame is 1\.5 in row 2 of a\.csv, not a whole number"):
        frames("1.0", "1.5")
