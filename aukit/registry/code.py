"""What the code of a component is: its version, or, where it can be edited in place, its files."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path

from aukit.components import Component


def code_of(component: Component) -> str:
    """What a stage's key says of a component's code.

    The version of its distribution says enough where the files are as they were installed. Of a
    distribution that was installed to be edited (`pip install -e`), the files of the component's
    top package are read, so that a changed line is noticed.

    Returns:
        `1.2.0`, or `1.2.0+` and a digest of the files.
    """
    if not _is_editable(component.distribution):
        return component.version
    return f"{component.version}+{_digest(component.factory.partition(':')[0].partition('.')[0])}"


@functools.cache
def _is_editable(distribution: str) -> bool:
    try:
        text = importlib.metadata.distribution(distribution).read_text("direct_url.json")
        return bool(json.loads(text or "{}").get("dir_info", {}).get("editable"))
    except (importlib.metadata.PackageNotFoundError, ValueError, AttributeError):
        return False


@functools.cache
def _digest(package: str) -> str:
    """Of every file of a package, or of the one file of a module."""
    total = hashlib.sha256()
    for name, path in _files(package):
        total.update(f"{name}\0".encode())
        total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:12]


def _files(package: str) -> Iterator[tuple[str, Path]]:
    spec = importlib.util.find_spec(package)
    for root in [] if spec is None else [Path(p) for p in spec.submodule_search_locations or ()]:
        found = sorted(p for p in root.rglob("*") if p.is_file() and "__pycache__" not in p.parts)
        yield from ((path.relative_to(root).as_posix(), path) for path in found)
    if spec is not None and spec.submodule_search_locations is None and spec.origin:
        yield package, Path(spec.origin)
