"""Weights of published models: known files, the local store, and fetching.

Plugins contribute `Weights` records (`aukit_weights`). Nothing is fetched unless requested:
`resolve` only looks, and `fetch` is called by `aukit weights fetch`. Files from any source are
accepted only if their SHA-256 matches.

Plugins import this module to describe their weights, so `fetch` imports what it needs lazily.
"""

from __future__ import annotations

import logging
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from pathlib import Path, PurePosixPath

from aukit.contracts.weights import Address, Bundled, Weights, Wheel
from aukit.errors import DataError, MissingWeights, StorageError
from aukit.progress import Bar, Progress, Silent
from aukit.registry.download import SourceError, download

VARIABLE = "AUKIT_WEIGHTS"
"""Environment variable that names the folder of fetched weights."""

_log = logging.getLogger(__name__)


def store() -> Path:
    """The folder of fetched weights: `AUKIT_WEIGHTS`, or the platform's cache folder."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen)
    import platformdirs

    return platformdirs.user_cache_path("aukit") / "weights"


def location(weights: Weights) -> Path:
    """Path of the installed or fetched file, existing or not; the name of a fetched one contains
    the checksum."""
    first = weights.sources[0] if weights.sources else None
    if isinstance(first, Bundled):
        return Path(str(files(first.package))) / first.member
    origin = first.url if isinstance(first, Address) else first.member if first else ""
    return store() / f"{weights.name}-{weights.sha256[:12]}{PurePosixPath(origin).suffix}"


def resolve(ref: str, known: Mapping[str, Weights]) -> Path:
    """The verified local file for a reference.

    Args:
        ref: a known name, or the path of a file. A file with an unknown checksum is used, with a
            warning.
        known: the weights contributed by plugins, by name.

    Raises:
        MissingWeights: there is no such file; the hint tells how to get it.
        DataError: the stored file is damaged.
    """
    if ref in known:
        return _stored(known[ref])
    path = Path(ref).expanduser()
    if not path.is_file():
        names = ", ".join(sorted(known)) or "none"
        raise MissingWeights(
            f"no weights '{ref}': neither a known name nor a file", f"known: {names}"
        )
    digest = checksum(path)
    if digest not in {weights.sha256 for weights in known.values()}:
        _log.warning("%s is used as it is: no known weights have its SHA-256 %s", path, digest)
    return path


def _stored(weights: Weights) -> Path:
    path = location(weights)
    command = f"aukit weights fetch {weights.name}"
    if is_bundled(weights):
        command = "install the package again: they come with it"
    if not path.is_file():
        raise MissingWeights(f"weights '{weights.name}' are not on this machine ({path})", command)
    if checksum(path) != weights.sha256:
        raise DataError(f"weights '{weights.name}' are damaged ({path})", command)
    return path


def is_bundled(weights: Weights) -> bool:
    """Whether the file is installed with a package, and never fetched."""
    return any(isinstance(source, Bundled) for source in weights.sources)


def checksum(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    import hashlib

    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(
    weights: Weights,
    path: Path | None = None,
    say: Callable[[str], None] = lambda line: None,
    progress: Progress | None = None,
) -> Path:
    """Fetch weights to this machine, unless they are here already.

    Args:
        weights: the weights.
        path: a local copy to use instead of the sources.
        say: called with a line about each source tried.
        progress: shows how many megabytes were received; silent if None.

    Returns:
        the verified file.

    Raises:
        MissingWeights: no source had the right file; the message gives each failure.
        DataError: the file that is installed with a package is damaged.
        StorageError: the folder cannot be written.
    """
    if is_bundled(weights):
        say(f"{weights.name} is installed with its package: nothing to fetch")
        return _stored(weights)
    target = location(weights)
    if path is None and target.is_file() and checksum(target) == weights.sha256:
        say(f"{weights.name} is here already: {target}")
        return target
    import tempfile

    total = max(weights.bytes // 10**6, 1)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            tempfile.TemporaryDirectory(prefix=".fetch-", dir=target.parent) as aside,
            (progress or Silent()).start(f"{weights.name} (MB)", total) as bar,
        ):
            os.replace(_bring(weights, path, Path(aside), say, _Megabytes(bar)), target)
    except OSError as error:
        raise StorageError(
            f"cannot store weights in {target.parent}: {error}",
            f"choose another folder with {VARIABLE}",
        ) from error
    return target


def _bring(
    weights: Weights, path: Path | None, aside: Path, say: Callable[[str], None], bar: _Megabytes
) -> Path:
    """A verified copy from the first source that has it."""
    offered = [source for source in weights.sources if not isinstance(source, Bundled)]
    sources: Sequence[Address | Wheel | Path] = [path] if path else offered
    target = location(weights)
    failures = []
    for number, source in enumerate(sources):
        say(f"{weights.name}: trying {source}")
        # Kept when the connection fails, so that the next call resumes it.
        partial = target.with_name(f".{target.name}.{number}.partial")
        try:
            copy = _copy(source, aside, partial, weights.bytes, bar)
            if (found := checksum(copy)) == weights.sha256:
                return copy
            copy.unlink()
            failures.append(f"{source}: its SHA-256 is {found}, expected {weights.sha256}")
        except (SourceError, zipfile.BadZipFile, KeyError) as error:
            failures.append(f"{source}: {error}")
    raise MissingWeights(
        f"weights '{weights.name}' could not be fetched: " + "; ".join(failures),
        f"get the file yourself and import it: aukit weights fetch {weights.name} --from FILE",
    )


def _copy(
    source: Address | Wheel | Path, aside: Path, partial: Path, limit: int, bar: _Megabytes
) -> Path:
    copy = aside / "file"
    if isinstance(source, Address):
        download(source.url, partial, limit, bar.received)
        return partial
    if isinstance(source, Wheel):
        _unpack(source, aside, copy)
    elif source.is_file():
        shutil.copyfile(source, copy)
    else:
        raise SourceError("no such file")
    return copy


class _Megabytes:
    """Advances a bar by received megabytes."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._shown = 0

    def received(self, count: int) -> None:
        """Report the current size of the copy in bytes."""
        if (new := count // 10**6 - self._shown) > 0:
            self._bar.advance(new)
            self._shown += new


def _unpack(source: Wheel, aside: Path, copy: Path) -> None:
    import subprocess

    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--dest", str(aside), source.requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"pip ended with {done.returncode}"]
        raise SourceError(lines[-1])
    wheel = next(aside.glob("*.whl"), None)
    if wheel is None:
        raise SourceError("pip downloaded no wheel")
    with zipfile.ZipFile(wheel) as archive:
        copy.write_bytes(archive.read(source.member))
