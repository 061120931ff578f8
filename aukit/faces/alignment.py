"""Records how the faces of a stage folder were registered; models check it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit.errors import DataError
from aukit.store.files import read_document, write_json

FILE = "alignment.json"


def write_alignment(folder: Path, alignment: Mapping[str, Any]) -> None:
    """Record how the faces in a folder were registered (`Registration.describe`)."""
    write_json(folder / FILE, dict(alignment))


def alignment_of(folder: Path) -> dict[str, Any]:
    """How the faces in a folder were registered.

    Raises:
        DataError: the folder has no record of it.
    """
    try:
        return read_document(folder / FILE)
    except DataError as error:
        raise DataError(f"{folder} has no record of how its faces were registered") from error
