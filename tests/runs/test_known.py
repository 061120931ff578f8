"""Models that come along are found by name; folders win; what is neither is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from aukit import api
from aukit.defaults import MODEL
from aukit.errors import ConfigError
from aukit.registry.loading import Plugin, Registry
from aukit.runs.exported import is_exported
from aukit.runs.known import known_models, model_folder


def test_a_model_is_found_by_name_and_a_folder_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = Registry()
    assert is_exported(model_folder(MODEL, registry))
    monkeypatch.chdir(tmp_path)
    (tmp_path / MODEL).mkdir()
    assert model_folder(MODEL, registry) == Path(MODEL)


def test_what_is_neither_is_answered_with_the_names() -> None:
    with pytest.raises(ConfigError, match="nowhere is not a run folder") as found:
        api.load("estimator", "nowhere")
    assert MODEL in str(found.value.hint)


def test_models_of_one_name_are_told_apart() -> None:
    registry = Registry(entry_points=())
    for name in ("one", "other"):
        models = {"faces": ("package:data", "a model"), name: ("package:data", "a model")}
        registry.plugins.append(Plugin(f"of-{name}", "1", name, models=models))
    assert known_models(registry).keys() == {"of-one/faces", "of-other/faces", "one", "other"}
