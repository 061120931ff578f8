"""What the stages that fit something share: where checkpoints lie, and how models are kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.contracts.session import Session
from aukit.errors import PluginError
from aukit.runs.names import MODEL, TRAINING
from aukit.seeds import seed_of
from aukit.store.files import write_json
from aukit.store.models import CARD, load_card, refuse_other_alignment

if TYPE_CHECKING:
    from aukit.pipeline.work import Work


def session_of(work: Work, label: str, folder: Path) -> Session:
    """The session of a fit whose stage folder is `folder`."""
    checkpoints = folder / TRAINING
    checkpoints.mkdir(exist_ok=True)
    return Session(
        folder=checkpoints,
        device=work.context.device,
        seed=seed_of(work.context.seed, label),
        progress=work.progress,
        on_scalars=lambda step, values: work.run.scalars(label, step, values),
    )


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


def load_fitted(component: Any, folder: Path, alignment: Mapping[str, Any]) -> None:
    """Load a fitted component for faces that were aligned in this way.

    Raises:
        DataError: its training faces were aligned otherwise, or the model is damaged.
    """
    refuse_other_alignment(load_card(folder / MODEL), alignment)
    component.load(folder / MODEL)
