"""The model card of a run or an exported model: what is known about its accuracy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice
from aukit.registry.loading import Registry
from aukit.runs.export import describe_run, readme
from aukit.runs.exported import MODEL_CARD, README, is_exported
from aukit.runs.known import model_folder
from aukit.store.files import read_object


@dataclass(frozen=True)
class Told:
    """A model's card.

    Attributes:
        name: name of its folder.
        scores: scores as written by its run or its author.
        card: the card as Markdown.
    """

    name: str
    scores: Mapping[str, Any]
    card: str


def told_of(ref: str | Path, registry: Registry, landmarker: Choice) -> Told:
    """The card of a run or a model.

    Args:
        ref: folder of the run or model, or the name of a bundled model.
        registry: where its components are looked up.
        landmarker: as for `export_model`.

    Raises:
        ConfigError: `ref` is neither a run nor a model.
        DataError: the run has fitted no estimator.
    """
    folder = model_folder(ref, registry)
    if is_exported(folder):
        card = read_object(folder / MODEL_CARD) or {}
        text = folder / README
        told = text.read_text(encoding="utf-8") if text.is_file() else ""
    else:
        card = describe_run(folder, registry, landmarker)
        told = readme(card)
    return Told(folder.resolve().name, card.get("scores", {}), told)
