"""Names of the files and folders that a run leaves."""

from __future__ import annotations

STAGES = ".stages"


INDEX, PLAN = "index.parquet", "plan.parquet"


CARD, GRIDS = "score_card.json", "grids"


PREDICTIONS, SCORES = "predictions.parquet", "scores.json"


MODEL, TRAINING = "model", "training"
"""Folders of a fitted stage: the saved model; checkpoints, scalars and previews."""
