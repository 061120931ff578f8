"""How a fitted component is kept: its model with a card that says what it may be given."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit.errors import PluginError
from aukit.runs.names import MODEL
from aukit.store.files import write_json
from aukit.store.models import CARD, load_card


def save_fitted(
    component: Any, folder: Path, aus: tuple[str, ...], alignment: Mapping[str, Any]
) -> None:
    """Save a fitted component, its card completed with the AUs and the alignment of its faces.

    Raises:
        PluginError: the component wrote no card.
    """
    model = folder / MODEL
    model.mkdir(exist_ok=True)
    component.save(model)
    if not (model / CARD).is_file():
        raise PluginError(f"{type(component).__name__}.save wrote no {CARD}")
    card = {"aus": list(aus), **load_card(model), "alignment": dict(alignment)}
    write_json(model / CARD, card)
