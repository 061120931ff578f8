"""A finished run, found again by its folder: what its stages left, without computing anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aukit.config import read_file
from aukit.contracts.context import Context
from aukit.devices import resolve_device
from aukit.errors import ConfigError, DataError
from aukit.models import load_card
from aukit.pipeline.execute import STAGES, Work
from aukit.pipeline.fit import Fitted
from aukit.pipeline.fitting import MODEL
from aukit.pipeline.prepare import Prepared
from aukit.progress import Progress
from aukit.registry import Registry, resolve_weights
from aukit.run_config import resolve
from aukit.runs import Run
from aukit.store import STAGE_FILE, Stages


def open_run(
    folder: Path,
    registry: Registry,
    changes: dict[str, Any],
    origin: str,
    progress: Progress,
    device: str = "auto",
) -> tuple[Work, Prepared, Fitted]:
    """What a run with a synthesizer has left.

    Args:
        folder: of the run.
        registry: where its components are looked up.
        changes: nested settings that replace those of the run.
        origin: where the changes come from.
        progress: shows how far later stages are.
        device: torch device name, or `auto`.

    Raises:
        ConfigError: not a run folder.
        DataError: the run has no synthesizer, or results that it needs are gone.
    """
    if not (folder / "run.toml").is_file():
        raise ConfigError(f"{folder} is not a run folder", "runs are made by `aukit run`")
    layers = [("run.toml", read_file(folder / "run.toml")), (origin, changes)]
    config = resolve(registry, layers)
    if config.components["synth"] is None:
        raise DataError(f"run {folder} has no synthesizer", "make a run with --synth NAME")
    stages = _stages(folder)
    run = Run(folder, config, registry)
    run.stages = dict(stages)
    context = Context(resolve_device(device), config.options.seed, resolve_weights)
    # Beside the run's own stages, which a run of a comparison has one folder farther up.
    store = next((place.parent for place in stages.values()), folder.parent / STAGES)
    work = Work(run, config, Stages(store), context, progress)
    prepared = _prepared(folder, stages)
    return work, prepared, _fitted(folder, stages)


def _stages(folder: Path) -> dict[str, Path]:
    path = folder / "stages.json"
    found = read_file(path) if path.is_file() else {}
    stages = {name: (folder / place).resolve() for name, place in found.items()}
    for name, place in stages.items():
        if not (place / STAGE_FILE).is_file():
            raise DataError(
                f"the result of stage {name} of run {folder} is gone: {place}",
                "run `aukit run --config` on its run.toml again",
            )
    return stages


def _need(folder: Path, stages: dict[str, Path], name: str) -> Path:
    if name not in stages:
        raise DataError(
            f"run {folder} has no result of stage {name}: it was not finished",
            "give its command again, it continues where it stopped",
        )
    return stages[name]


def _prepared(folder: Path, stages: dict[str, Path]) -> Prepared:
    card = load_card(_need(folder, stages, "fit-synth") / MODEL)
    return Prepared(
        aus=tuple(card["aus"]),
        left_out=(),
        train=_need(folder, stages, "align-train"),
        valid=stages.get("align-valid"),
        test=_need(folder, stages, "align-test"),
        synth_fit=stages.get("align-synth-fit"),
        synth_paint=stages.get("align-synth-paint"),
        plan=_need(folder, stages, "plan"),
        reference=stages.get("plan-real"),
        alignment=card["alignment"],
    )


def _fitted(folder: Path, stages: dict[str, Path]) -> Fitted:
    if "fit-judge" not in stages:
        raise DataError(
            f"run {folder} has fitted no judge: it was made with --card 0, or was not finished",
            "run it again without --card 0; its other results are found",
        )
    return Fitted(
        estimator=stages.get("fit-estimator", stages["fit-judge"]),
        synthesizer=_need(folder, stages, "fit-synth"),
        synthetic=stages.get("synthesize"),
        normalizer=stages.get("fit-normalizer"),
        judge=stages["fit-judge"],
        lost=0,
    )
