"""Files named by URLs, read like files of this machine."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from s3_server import S3

from aukit.data.files import files, files_below, folders, nearest, require_root
from aukit.errors import ConfigError, DataError, StoreError
from aukit.registry.states import state_of_files, state_of_path
from aukit.remote import listing
from aukit.remote.copy import local
from aukit.remote.path import RemotePath, place_of, state_of
from aukit.vision.images import SUFFIXES, survey

KEYS = {
    "c/a.txt": b"f,1\n", "c/b b/1+2.csv": b"\xe4", "c/b b/.x": b"", "c/b b/z/0.txt": b"0",
    "c/é.txt": b"",
}  # fmt: skip


@pytest.fixture(params=["s3", "memory", "file"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The same files in three kinds of places."""
    if request.param == "s3":
        server: S3 = request.getfixturevalue("s3")
        server.buckets["lab"].update({**KEYS, "c/b b/": b""})
        yield place_of("s3://lab/c")
        return
    if request.param == "memory":
        import fsspec

        system = fsspec.filesystem("memory")
        for key, content in KEYS.items():
            system.pipe_file(f"/lab/{key}", content)
        listing.forget()
        yield place_of("memory://lab/c")
        system.rm("/lab", recursive=True)
        return
    for key, content in KEYS.items():
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(content)
    yield place_of(f"file://{tmp_path}/c")


def test_readers_find_the_same_files_everywhere(root: Path) -> None:
    inner = root / "b b"
    assert root.is_dir()
    assert not root.is_file()
    assert (root / "a.txt").is_file()
    assert (root / "a.txt").exists()
    assert not (root / "none").exists()
    assert files(root) == [root / "a.txt", root / "é.txt"]
    assert files(root, {".csv"}) == files(root / "none") == folders(inner / "z") == []
    assert folders(root) == [inner]
    assert sorted(path.name for path in root.iterdir()) == ["a.txt", "b b", "é.txt"]
    below = [root / "a.txt", root / "é.txt", inner / "1+2.csv", inner / "z" / "0.txt"]
    assert list(files_below(root)) == below
    assert survey(root, {".txt"})[0] == sorted({*below} - {inner / "1+2.csv"})
    assert survey(inner / "1+2.csv", {".txt"})[0] == [inner / "1+2.csv"]
    assert require_root(root, "a corpus", [("b b",), ("none", "a.txt")]) == root
    assert nearest(root, lambda place: (place / "0.txt").exists()) == inner / "z"


def test_contents_are_the_same_everywhere(root: Path) -> None:
    assert (root / "a.txt").read_text(encoding="utf-8") == "f,1\n"
    assert (root / "b b" / "1+2.csv").read_text(encoding="utf-8", errors="replace") == "�"
    assert (root / "a.txt").stat().st_size == 4
    with (root / "a.txt").open("rb") as file:
        assert file.read() == b"f,1\n"
    copy = local(root / "b b" / "1+2.csv")
    assert copy.read_bytes() == b"\xe4"
    assert copy.suffix == ".csv"
    for read in (root.__class__.read_bytes, local, state_of):
        with pytest.raises(FileNotFoundError, match="none"):
            Path(read(root / "none")).read_bytes()  # type: ignore[operator, arg-type]


def test_a_changed_file_and_a_changed_tree_have_another_state(s3: S3) -> None:
    here = s3.buckets["lab"]
    here.update(KEYS)
    root = place_of("s3://lab/c")

    def states() -> list[object]:
        listing.forget()
        there = [root / "a.txt", root / "none"]
        return [state_of(root / "a.txt"), state_of_files(there), state_of_path(root)]

    before = states()
    here["c/a.txt"] = bytes(here["c/a.txt"])  # the same content, stored again
    assert states() == before
    here["c/a.txt"] = b"f,2\n"
    assert all(now != then for now, then in zip(states(), before, strict=True))


def test_paths_keep_their_slashes() -> None:
    path = place_of("s3://lab/c")
    assert isinstance(path, RemotePath)
    assert str(path / "x" / "y.mp4") == (path / "x/y.mp4").as_posix() == "s3://lab/c/x/y.mp4"
    assert str(path.parent) == "s3://lab"
    assert path.resolve() == path.absolute() == copy.deepcopy(path) == path
    assert (path / "y.mp4").with_suffix(".csv").name == "y.csv"
    assert str((path / "x/y").relative_to(path)) == "x/y"
    assert place_of("file:///data/x") == Path("/data/x")
    assert type(place_of("photos/s3")) is type(Path())
    with pytest.raises(StoreError, match="s3://lab/c is not a file of this machine"):
        os.stat(path)


def test_folders_are_listed_once_instead_of_files_one_by_one(s3: S3) -> None:
    s3.buckets["lab"].update({f"c/{number:03d}.png": b"" for number in range(20)})
    paths = [place_of(f"s3://lab/c/{number:03d}.png") for number in range(20)]
    state_of_files(paths)
    assert all(path.exists() for path in paths)
    # Two files are looked up before the folder is listed: 20 keys, 7 an answer.
    assert s3.requests["LIST", "lab/c/"] == 3
    assert sum(s3.requests.values()) == 5


def test_a_store_that_stumbles_is_asked_again(s3: S3) -> None:
    s3.buckets["lab"]["x.txt"] = b"x"
    answers = iter([500, 503, None])
    s3.fault = lambda method, path: next(answers, None)
    assert place_of("s3://lab/x.txt").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("fault", "said"),
    [(403, "access refused"), (500, "no answer after 3 attempts")],
)
def test_a_store_that_refuses_or_does_not_answer(s3: S3, fault: int, said: str) -> None:
    s3.fault = lambda method, path: fault
    for read in (RemotePath.read_bytes, RemotePath.exists, local, folders):
        listing.forget()
        with pytest.raises(StoreError, match=f"s3://lab/x: {said}"):
            read(place_of("s3://lab/x"))  # type: ignore[arg-type, operator]


def test_only_one_copy_is_kept(s3: S3, copies: Path) -> None:
    s3.buckets["lab"].update({"1.mp4": b"1", "2.mp4": b"2"})
    for number in (1, 1, 2, 1):
        assert local(place_of(f"s3://lab/{number}.mp4")).read_bytes() == b"%d" % number
        assert len(list(copies.iterdir())) == 1
    assert s3.requests["GET", "lab/1.mp4"] == 2
    s3.buckets["lab"].clear()
    with pytest.raises(FileNotFoundError):
        local(place_of("s3://lab/2.mp4"))
    assert not list(copies.iterdir())


def test_what_is_no_kind_of_store_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="tcp://x is a URL of an unknown kind"):
        place_of("tcp://x/y").exists()

    def missing(url: str) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(ConfigError, match=r"Install s3fs .*\(pip install 'aukit-facs\[stores\]'\)"):
        place_of("s3://never/y").exists()


def test_a_wrong_root_is_told(s3: S3) -> None:
    s3.buckets["lab"].update({"other/c/codes/1.csv": b"", "other/c/videos/1.mp4": b""})
    marks = [("videos",), ("codes",)]
    with pytest.raises(DataError, match="no such folder: s3://nowhere/c"):
        require_root(place_of("s3://nowhere/c"), "corpus", marks)
    with pytest.raises(DataError, match=r"did you mean s3://lab/other/c\?"):
        require_root(place_of("s3://lab"), "corpus", marks)
    with pytest.raises(DataError, match="no files to read in s3://lab/other"):
        survey(place_of("s3://lab/other"), SUFFIXES)
