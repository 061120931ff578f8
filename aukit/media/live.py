"""Cameras and streams as an input of `aukit predict`: recorded beside its results, then read."""

from __future__ import annotations

from pathlib import Path

from aukit.media.tables import CSV, TABLE
from aukit.progress import Progress
from aukit.store.owned import Output
from aukit.vision.record import Live, record

RECORDING = "recording.mkv"


def recorded(source: Live, output: Path, seconds: float | None, progress: Progress) -> Path:
    """Record a live source; what an interrupted command has recorded already is taken instead.

    Frames are so never lost because estimates take longer than the camera.

    Args:
        source: camera or stream.
        output: gets `recording.mkv`.
        seconds: how much; None: until it ends or is interrupted.
        progress: shows how far it is.

    Returns:
        the path of the recording.

    Raises:
        ConfigError: what would be replaced was not made by aukit.
        DataError: the source cannot be opened, or shows nothing.
        StorageError: nothing can be written there.
    """
    results = Output(output)
    results.refuse_foreign([RECORDING, TABLE, CSV])
    path = output / RECORDING
    if not (path.is_file() and results.unfinished("predict")):
        with results.writing([RECORDING]), progress.start("record") as bar:
            record(source, path, seconds, bar)
    return path
