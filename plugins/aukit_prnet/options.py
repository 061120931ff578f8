"""Names that options and code share; nothing heavy is imported."""

from typing import Literal

Anchored = Literal["none", "pose", "points"]
