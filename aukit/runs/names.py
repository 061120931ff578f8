"""Names of the files and folders in a run folder."""

from __future__ import annotations

from pathlib import Path

STAGES = ".stages"


INDEX, PLAN = "index.parquet", "plan.parquet"


CARD, GRIDS = "score_card.json", "grids"


PREDICTIONS, SCORES = "predictions.parquet", "scores.json"


MODEL, TRAINING = "model", "training"
"""Folders of a fitting stage: the saved model; checkpoints, scalars and previews."""

PREVIEWS = "previews"
"""Folder in `TRAINING` with samples that a synthesizer made during fitting."""

FIT_YARDSTICK, PREDICT_YARDSTICK = "fit-yardstick", "predict-yardstick"
"""Labels of the stages of the simple estimator that a run is compared with."""

STAGES_FILE = "stages.json"
"""File that locates the results of a run's stages."""


def grids(folder: Path) -> list[Path]:
    """The grids in a folder, oldest first."""
    return sorted(folder.glob("[0-9]*.png"))
