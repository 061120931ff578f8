"""Saving of fitted components: the model, with a card that records its training faces."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit.contracts.labels import Labels
from aukit.data.kinds import Kinds, kinds_of
from aukit.errors import PluginError
from aukit.machine.processes import rank
from aukit.runs.names import MODEL
from aukit.store.files import write_json
from aukit.store.models import CARD, load_card


def save_fitted(component: Any, folder: Path, labels: Labels, alignment: Mapping[str, Any]) -> None:
    """Save a fitted component; AUs, kinds and alignment of its training faces are added to its
    card. If several processes fitted it together, only process 0 saves it.

    Raises:
        PluginError: the component wrote no card.
    """
    if rank() > 0:
        return
    model = folder / MODEL
    model.mkdir(exist_ok=True)
    component.save(model)
    if not (model / CARD).is_file():
        raise PluginError(f"{type(component).__name__}.save wrote no {CARD}")
    known = {"aus": list(labels.aus), "kinds": kinds_of(labels)}
    card = {**known, **load_card(model), "alignment": dict(alignment)}
    write_json(model / CARD, card)


def estimated_kinds(folder: Path) -> Kinds:
    """Kind of each AU that a fitted component handles; cards of older versions imply intensity."""
    kinds: Kinds = load_card(folder / MODEL).get("kinds", {})
    return kinds
