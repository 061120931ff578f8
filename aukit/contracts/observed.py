"""What an observing hook is shown of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class ObservedRun(Protocol):
    """A run, as far as an observer may look at it.

    Attributes:
        folder: the run folder; what is in it is described in `aukit.runs.folder`.
        config: its configuration, an `aukit.config.run.RunConfig`.
    """

    folder: Path
    config: Any
