"""The `face_landmarker.task` bundle: a zip archive of three TensorFlow Lite models."""

from __future__ import annotations

import zipfile
from pathlib import Path

from aukit.errors import DataError

DETECTOR = "face_detector.tflite"
MESH = "face_landmarks_detector.tflite"
BLENDSHAPES = "face_blendshapes.tflite"


def read(path: Path) -> dict[str, bytes]:
    """The three models of a bundle, by file name.

    Raises:
        DataError: the file is no such bundle.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in (DETECTOR, MESH, BLENDSHAPES)}
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path} is not a MediaPipe face landmarker bundle: {error}",
            "leave out the option `weights`: aukit brings the bundle with it",
        ) from error
