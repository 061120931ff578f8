"""Identifies the code of a component: by version, or by its files if editable."""

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
    """The identity of a component's code for stage keys.

    The version of its distribution suffices for ordinary installs. For editable installs (`pip
    install -e`), the files of the component's top-level package are hashed as well, so that edits
    are noticed.

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
    """Digest of all files of a package, or of a single module."""
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
