"""The view of a run that observing hooks get."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol


class ObservedRun(Protocol):
    """A run as seen by an observer.

    Attributes:
        folder: the run folder; `aukit.runs.folder` describes its content.
        config: its configuration, an `aukit.config.run.RunConfig`.
    """

    folder: Path
    config: Any
