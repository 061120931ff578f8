"""Cameras and streams as input of `aukit predict`: recorded to its output folder, then read."""

from __future__ import annotations

from pathlib import Path

from aukit.media.tables import CSV, TABLE
from aukit.progress import Progress
from aukit.store.owned import Output
from aukit.vision.record import Live, record

RECORDING = "recording.mkv"


def recorded(source: Live, output: Path, seconds: float | None, progress: Progress) -> Path:
    """Record a live source; the recording of an interrupted command is used instead.

    No frames are lost, even if estimation is slower than the camera.

    Args:
        source: camera or stream.
        output: receives `recording.mkv`.
        seconds: duration; None: until it ends or is interrupted.
        progress: shows progress.

    Returns:
        the path of the recording.

    Raises:
        ConfigError: files that would be replaced were not made by aukit.
        DataError: the source cannot be opened, or has no frames.
        StorageError: nothing can be written there.
    """
    results = Output(output)
    results.refuse_foreign([RECORDING, TABLE, CSV])
    path = output / RECORDING
    if not (path.is_file() and results.unfinished("predict")):
        with results.writing([RECORDING]), progress.start("record") as bar:
            record(source, path, seconds, bar)
    return path
