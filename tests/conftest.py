"""Fixtures that tests of several parts share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

from aukit import weights
from aukit_mediapipe.plugin import aukit_weights

# A first call pays for imports, and CI machines are slow: time is no property of an example.
settings.register_profile("aukit", deadline=None)
settings.load_profile("aukit")


@pytest.fixture(scope="session")
def face_landmarker() -> Path:
    """MediaPipe's model bundle: from `AUKIT_FACE_LANDMARKER`, the user's weights, a checkout that
    shares it, or else really fetched. It is never skipped silently."""
    (known,) = aukit_weights()
    shared = Path(__file__).parents[2] / "shared" / "data" / "face_landmarker.task"
    for place in (os.environ.get("AUKIT_FACE_LANDMARKER"), weights.location(known), shared):
        if place and Path(place).is_file() and weights.checksum(Path(place)) == known.sha256:
            return Path(place)
    return weights.fetch(known)
