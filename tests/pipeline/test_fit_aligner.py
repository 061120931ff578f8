"""`aukit fit aligner`: what cannot be fitted claims no folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from aukit.config.choice import Choice
from aukit.contracts.context import Context
from aukit.errors import ConfigError
from aukit.media.dataset import FILES, FilesOptions
from aukit.pipeline.fit_aligner import Fit, fit_aligner
from aukit.progress import Silent


def test_a_dataset_without_meshes_claims_no_folder(tmp_path: Path) -> None:
    photos = Choice(FILES, FilesOptions())
    with pytest.raises(ConfigError, match="'files' has no meshes of its pictures"):
        fit_aligner(Fit(photos, photos, Context()), tmp_path / "out", Silent())
    assert not (tmp_path / "out").exists()
