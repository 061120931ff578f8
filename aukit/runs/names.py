"""Names of the files and folders that a run leaves."""

from __future__ import annotations

from pathlib import Path

STAGES = ".stages"


INDEX, PLAN = "index.parquet", "plan.parquet"


CARD, GRIDS = "score_card.json", "grids"


PREDICTIONS, SCORES = "predictions.parquet", "scores.json"


MODEL, TRAINING = "model", "training"
"""Folders of a fitted stage: the saved model; checkpoints, scalars and previews."""

PREVIEWS = "previews"
"""Folder in `TRAINING` of what a synthesizer synthesized while it was fitted."""

STAGES_FILE = "stages.json"
"""Says where the results of a run's stages are."""


def grids(folder: Path) -> list[Path]:
    """The grids in a folder, oldest first."""
    return sorted(folder.glob("[0-9]*.png"))
