"""The pipeline: from frames to scores, in stages that are found again by what made them."""

from aukit.pipeline.execute import Outcome, execute

__all__ = ["Outcome", "execute"]
