"""A finished run, found again by its folder: what its stages left, without computing anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from aukit.config.files import read_file
from aukit.config.options import Layer
from aukit.config.resolve import resolve
from aukit.contracts.context import Context
from aukit.data.records import au_columns
from aukit.errors import ConfigError, DataError
from aukit.machine.devices import resolve_device
from aukit.pipeline.fit import FitStages, Fitted
from aukit.pipeline.prepare import Prepared
from aukit.pipeline.work import Work
from aukit.progress import Progress
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.folder import Run
from aukit.runs.names import INDEX, MODEL, STAGES
from aukit.store.models import load_card
from aukit.store.stages import STAGE_FILE, Stages


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
    work = _work(folder, registry, [(origin, changes)], progress, device)
    if work.config.components["synth"] is None:
        raise DataError(f"run {folder} has no synthesizer", "make a run with --synth NAME")
    if "fit-judge" not in work.run.stages:
        raise DataError(
            f"run {folder} has fitted no judge: it was made with --card 0, or was not finished",
            "run it again without --card 0; its other results are found",
        )
    prepared = _prepared(work, "fit-synth")
    judge = work.run.stages["fit-judge"]
    return work, prepared, _fitted(work, work.run.stages.get("fit-estimator", judge))


def open_finished(
    folder: Path, registry: Registry, progress: Progress
) -> tuple[Work, Prepared, Fitted]:
    """What a finished run of any kind has left.

    Args:
        folder: of the run.
        registry: where its components are looked up.
        progress: shows how far later stages are.

    Raises:
        ConfigError: not a run folder.
        DataError: the run was not finished, or results are gone.
    """
    work = _work(folder, registry, [], progress, "cpu")
    prepared = _prepared(work, "fit-estimator")
    fitted = _fitted(work, _need(work, "fit-estimator"))
    folders = [prepared.train, *filter(None, [work.run.stages.get("show-views", fitted.synthetic)])]
    lost = FitStages(work, prepared).planned(prepared.plan, folders)[2]
    return work, prepared, replace(fitted, lost=lost)


def _work(
    folder: Path, registry: Registry, above: list[Layer], progress: Progress, device: str
) -> Work:
    if not (folder / "run.toml").is_file():
        raise ConfigError(f"{folder} is not a run folder", "runs are made by `aukit run`")
    config = resolve(registry, [("run.toml", read_file(folder / "run.toml")), *above])
    run = Run(folder, config, registry)
    run.stages = _stages(folder)
    context = Context(resolve_device(device), config.options.seed, resolve_weights)
    # Beside the run's own stages, which a run of a comparison has one folder farther up.
    store = next((place.parent for place in run.stages.values()), folder.parent / STAGES)
    return Work(run, config, Stages(store), context, progress)


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


def _need(work: Work, name: str) -> Path:
    if name not in work.run.stages:
        raise DataError(
            f"run {work.run.folder} has no result of stage {name}: it was not finished",
            "give its command again, it continues where it stopped",
        )
    return work.run.stages[name]


def _prepared(work: Work, fit: str) -> Prepared:
    """What the stages before the fits left; the AUs and the alignment are those of a fit."""
    stages = work.run.stages
    card = load_card(_need(work, fit) / MODEL)
    return Prepared(
        aus=tuple(card["aus"]),
        left_out=_left_out(work),
        train=_need(work, "align-train"),
        valid=stages.get("align-valid"),
        test=_need(work, "align-test"),
        synth_fit=stages.get("align-synth-fit"),
        synth_paint=stages.get("align-synth-paint"),
        plan=_need(work, "plan"),
        reference=stages.get("plan-real"),
        alignment=card["alignment"],
    )


def _left_out(work: Work) -> tuple[str, ...]:
    """AUs that only some of the data code."""
    names = [f"index-{role}" for role in ("train", "test", "synth-fit")]
    coded = [
        set(au_columns(pq.read_schema(_need(work, name) / INDEX)))
        for name in names
        if name in work.run.stages or name == names[0]
    ]
    return tuple(sorted(coded[0].union(*coded) - coded[0].intersection(*coded)))


def _fitted(work: Work, estimator: Path) -> Fitted:
    stages = work.run.stages
    return Fitted(
        estimator=estimator,
        synthesizer=stages.get("fit-synth"),
        synthetic=stages.get("synthesize"),
        normalizer=stages.get("fit-normalizer"),
        judge=stages.get("fit-judge"),
        lost=0,
    )
