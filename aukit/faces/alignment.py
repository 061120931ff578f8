"""How the faces of a stage folder were registered: models refuse faces registered otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit.errors import DataError
from aukit.store.files import read_document, write_json

FILE = "alignment.json"


def write_alignment(folder: Path, alignment: Mapping[str, Any]) -> None:
    """Say how the faces in a folder were registered (`Registration.describe`)."""
    write_json(folder / FILE, dict(alignment))


def alignment_of(folder: Path) -> dict[str, Any]:
    """How the faces in a folder were registered.

    Raises:
        DataError: the folder does not say.
    """
    try:
        return read_document(folder / FILE)
    except DataError as error:
        raise DataError(f"{folder} does not say how its faces were registered") from error
