"""The results of a run, active or reopened from its folder."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.files import read_file
from aukit.config.options import Layer
from aukit.config.resolve import resolve
from aukit.config.run import RunConfig
from aukit.data.records import au_columns, only_in_some
from aukit.errors import ConfigError, DataError
from aukit.registry.loading import Registry
from aukit.runs.names import INDEX, PLAN, STAGES, STAGES_FILE
from aukit.store.files import read_document, read_object, read_schema
from aukit.store.stages import STAGE_FILE, Result

GONE = "repeat the run's command: finished stages are reused, the rest is recomputed"


@dataclass(frozen=True)
class Results:
    """The results of a run's stages.

    The labels are those of `aukit.pipeline.execute`: `index-train`, `align-test`, `plan`,
    `fit-synth`, `synthesize`, `show-views`, `fit-normalizer`, `fit-judge`, `fit-estimator`,
    `predict`, `fit-yardstick`, `predict-yardstick`, `score-card`, and so on.

    Attributes:
        folder: the run folder.
        config: configuration of the run.
        stages: label -> result.
    """

    folder: Path
    config: RunConfig
    stages: Mapping[str, Result]

    def get(self, label: str) -> Path | None:
        """The folder of a result; None if the run has none with this label."""
        return self.stages[label].folder if label in self.stages else None

    def need(self, label: str) -> Result:
        """The result of a stage that must have one.

        Raises:
            DataError: the run has no such result, or the result is gone.
        """
        if label not in self.stages:
            raise DataError(
                f"run {self.folder} has no result of stage {label}: the stage did not finish", GONE
            )
        found = self.stages[label]
        if not (found.folder / STAGE_FILE).is_file():
            raise DataError(
                f"the result of stage {label} of run {self.folder} is gone: {found.folder}", GONE
            )
        return found

    @functools.cached_property
    def aus(self) -> tuple[str, ...]:
        """AUs that the run estimates, in FACS order."""
        return au_columns(read_schema(self.need("plan").folder / PLAN))

    @functools.cached_property
    def left_out(self) -> tuple[str, ...]:
        """AUs that only some of the datasets code."""
        names = ["train", "test", *(["synth-fit"] if "index-synth-fit" in self.stages else [])]
        return only_in_some([self._coded(f"index-{name}") for name in names])

    def _coded(self, label: str) -> Sequence[str]:
        return au_columns(read_schema(self.need(label).folder / INDEX))

    @property
    def learned_from(self) -> list[Path]:
        """Folders of the faces available to the plan: real ones, then synthetic ones."""
        synthetic = self.get("show-views") or self.get("synthesize")
        return [self.need("align-train").folder, *([] if synthetic is None else [synthetic])]


def open_results(
    folder: Path, registry: Registry, changes: Mapping[str, Any] | None = None, origin: str = ""
) -> Results:
    """Open the results of a run, given its folder.

    Args:
        folder: folder of the run; it may have been moved.
        registry: where its components are looked up.
        changes: nested settings that replace those of the run.
        origin: where the changes come from.

    Raises:
        ConfigError: this is not a run folder.
        DataError: its list of results cannot be read.
    """
    above: list[Layer] = [(origin, changes)] if changes else []
    if not (folder / "run.toml").is_file():
        raise ConfigError(f"{folder} is not a run folder", "runs are made by `aukit run`")
    config = resolve(registry, [("run.toml", read_file(folder / "run.toml")), *above])
    return Results(folder, config, read_stages(folder))


def read_stages(folder: Path) -> dict[str, Result]:
    """Label -> result, from `stages.json` of a run folder; empty if there is none.

    Raises:
        DataError: the file is damaged.
    """
    path = folder / STAGES_FILE
    if not path.is_file():
        return {}
    try:
        entries = read_document(path)["stages"]
        return {
            label: Result(str(entry["key"]), (folder / entry["folder"]).resolve())
            for label, entry in entries.items()
        }
    except (DataError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is damaged, or from an older aukit", GONE) from error


def store_of(folder: Path) -> Path:
    """The store of stage results that a run folder refers to; by default beside the folder."""
    document = read_object(folder / STAGES_FILE) or {}
    return (
        (folder / str(document["store"])).resolve()
        if "store" in document
        else folder.parent / STAGES
    )


def stages_document(folder: Path, store: Path, stages: Mapping[str, Result]) -> dict[str, Any]:
    """The content of `stages.json`; all paths are relative to the run folder."""
    entries = {
        label: {"key": result.key, "folder": os.path.relpath(result.folder, folder)}
        for label, result in stages.items()
    }
    return {"store": os.path.relpath(store, folder), "stages": entries}
