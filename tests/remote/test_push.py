"""Results in a store: uploaded by aukit, over nothing that it did not upload itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from s3_server import S3

from aukit.cli.main import main
from aukit.store.owned import Output

Capture = pytest.CaptureFixture[str]
URL = "s3://lab/results/1"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The output folder of a command, with a file of the user."""
    folder = tmp_path / "out"
    with Output(folder).writing(["a.parquet", "b/c.csv"]):
        (folder / "b").mkdir()
        (folder / "a.parquet").write_bytes(b"a" * 100)
        (folder / "b/c.csv").write_bytes(b"c")
    (folder / "notes.txt").write_text("mine")
    return folder


def push(capsys: Capture, folder: Path, url: str = URL) -> tuple[int, str]:
    """Exit code, and what was said last."""
    code = main(["push", str(folder), url])
    said = capsys.readouterr()
    return code, (said.err or said.out).splitlines()[0]


def test_results_are_uploaded_once(s3: S3, folder: Path, capsys: Capture) -> None:
    assert push(capsys, folder) == (0, "files uploaded: 2, unchanged: 0")
    here = s3.buckets["lab"]
    mark = here.pop("results/1/.aukit/made.json")
    assert here == {"results/1/a.parquet": b"a" * 100, "results/1/b/c.csv": b"c"}
    assert set(json.loads(mark)["files"]) == {"a.parquet", "b/c.csv"}
    here["results/1/.aukit/made.json"] = mark
    s3.requests.clear()
    assert push(capsys, folder) == (0, "files uploaded: 0, unchanged: 2")
    assert not [request for request in s3.requests if request[0] == "PUT"]
    with Output(folder).writing(["b/c.csv"]):
        (folder / "b/c.csv").write_bytes(b"d")
    assert push(capsys, folder) == (0, "files uploaded: 1, unchanged: 1")
    assert here["results/1/b/c.csv"] == b"d"


def test_an_upload_that_broke_off_is_continued(s3: S3, folder: Path, capsys: Capture) -> None:
    s3.fault = lambda method, path: 500 if method == "PUT" and path.endswith("c.csv") else None
    code, said = push(capsys, folder)
    assert code == 7
    assert said.startswith(f"error: {URL}/b/c.csv: no answer")
    s3.fault = lambda method, path: None
    assert push(capsys, folder)[0] == 0
    assert s3.buckets["lab"]["results/1/b/c.csv"] == b"c"


def test_files_of_others_are_not_replaced(s3: S3, folder: Path, capsys: Capture) -> None:
    here = s3.buckets["lab"]
    here["results/1/b/c.csv"] = b"of somebody else"
    complaint = f"error: {URL}/b/c.csv exists, and aukit did not upload it"
    assert push(capsys, folder)[1].startswith(complaint)
    assert list(here.values()) == [b"of somebody else"]
    del here["results/1/b/c.csv"]
    assert push(capsys, folder)[0] == 0
    here["results/1/b/c.csv"] = b"changed"
    assert push(capsys, folder)[1].startswith(complaint)
    assert here["results/1/b/c.csv"] == b"changed"


def test_only_what_aukit_made_is_uploaded(s3: S3, folder: Path, capsys: Capture) -> None:
    assert push(capsys, folder.parent)[1].startswith(f"error: {folder.parent} is no run")
    assert push(capsys, folder, "results")[1].startswith("error: results is no URL of a store")
    (folder / "state.json").write_text(json.dumps({"state": "running"}))
    assert push(capsys, folder)[1].startswith(f"error: {folder} has not finished")
    (folder / "state.json").write_text(json.dumps({"state": "finished"}))
    assert push(capsys, folder) == (0, "files uploaded: 4, unchanged: 0")
