"""How the faces of a stage folder were registered: models refuse faces registered otherwise."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit.errors import DataError
from aukit.store.files import write_json

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
        found = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{folder} does not say how its faces were registered") from error
    return dict(found)
