"""A server like S3, and the tiny components."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aukit.registry.loading import default_registry
from aukit.remote import copy, listing, store

sys.path.insert(0, str(Path(__file__).parent))

from s3_server import S3, serving

TINY = Path(__file__).parents[1] / "end_to_end" / "tiny_plugin.py"


@pytest.fixture(scope="session")
def server() -> Iterator[S3]:
    """One for all tests: clients are kept with the address of their first request."""
    with serving() as found:
        yield found


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> S3:
    """The server with an empty bucket `lab`, and the environment that leads to it."""
    server.buckets = {"lab": {}}
    server.fault = lambda method, path: None
    server.requests.clear()
    settings = {
        "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "key",
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(store, "PAUSES_S", (0.01, 0.01))
    listing.forget()
    copy._kept.let_go()
    return server


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of temporary files, of this process and of its workers."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def tiny(distribute: Callable[..., Path]) -> Iterator[None]:
    """Distribution `tiny-faces`: landmarker `everywhere`, aligner `centre` and others."""
    distribute("tiny-faces", {"tiny_distribution": TINY.read_text(encoding="utf-8")}, "0.1")
    default_registry.cache_clear()
    yield
    default_registry.cache_clear()
