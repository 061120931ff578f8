"""The event files of one run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from aukit.runs.names import PREVIEWS, TRAINING, grids
from aukit.vision.images import read

SCORES = "scores"


class Board:
    """Writes the scalars of a run, with one folder of event files per stage.

    TensorBoard shows each stage as a separate line with its own steps.

    Args:
        folder: of the run's event files; made when something is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writers: dict[str, SummaryWriter] = {}

    def scalars(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Write the values of a step, flushed immediately."""
        writer = self._writer(stage, step)
        for name, value in values.items():
            writer.add_scalar(name, value, step)
        writer.flush()

    def pictures(self, stage: str, result: Path) -> None:
        """Write the previews of a fitted stage, each at its step."""
        for path in grids(result / TRAINING / PREVIEWS):
            picture = read(path).image
            if picture is not None:
                self._writer(stage).add_image("preview", picture, int(path.stem))

    def scores(self, values: Mapping[str, float]) -> None:
        """Write the scores of a run."""
        for name, value in values.items():
            self._writer(SCORES).add_scalar(name, value, 0)

    def close(self, failed: bool = False) -> None:
        """Write what is left."""
        for writer in self._writers.values():
            writer.close()
        self._writers.clear()

    def _writer(self, stage: str, step: int | None = None) -> SummaryWriter:
        if stage not in self._writers:
            # A fit that was interrupted makes the steps since its last checkpoint again: readers
            # are told to forget what they have from here on.
            self._writers[stage] = SummaryWriter(str(self.folder / stage), purge_step=step)
        return self._writers[stage]
