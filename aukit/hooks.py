"""All hooks of aukit (pluggy). A plugin implements those it needs, with any subset of arguments.

Collecting hooks take no arguments and return records. Observing hooks are told about a run and may
not change it. A complete plugin:

    from aukit.hooks import hookimpl

    @hookimpl
    def aukit_aligners():
        return [Component(kind="aligner", name="mine", factory="my_package.align:Mine", ...)]
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from aukit.components import Component

if TYPE_CHECKING:
    from aukit.contracts.observed import ObservedRun
    from aukit.contracts.weights import Weights

PROJECT = "aukit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def aukit_datasets() -> Iterable[Component]:
    """Datasets: frames, the people in them and their AU codes."""
    return ()


@hookspec
def aukit_landmarkers() -> Iterable[Component]:
    """Landmarkers: find faces and landmarks in images."""
    return ()


@hookspec
def aukit_aligners() -> Iterable[Component]:
    """Aligners: turn a frame into a registered face."""
    return ()


@hookspec
def aukit_synthesizers() -> Iterable[Component]:
    """Synthesizers: fitted on registered faces, synthesize a face with given AU intensities."""
    return ()


@hookspec
def aukit_balancers() -> Iterable[Component]:
    """Balancers: plan the training set from labels only."""
    return ()


@hookspec
def aukit_normalizers() -> Iterable[Component]:
    """Normalizers: remove person-specific appearance from a face before estimation."""
    return ()


@hookspec
def aukit_estimators() -> Iterable[Component]:
    """Estimators: fitted on the planned training set, predict AU intensities."""
    return ()


@hookspec
def aukit_metrics() -> Iterable[Component]:
    """Metrics: compare predictions, or images, with the truth."""
    return ()


@hookspec
def aukit_judges() -> Iterable[Component]:
    """Judges: evaluate synthetic faces; no synthesizer was trained against them."""
    return ()


@hookspec
def aukit_executors() -> Iterable[Component]:
    """Executors: run the map-like stages here, in local workers, or on a cluster."""
    return ()


@hookspec
def aukit_commands() -> Mapping[str, tuple[str, str]]:
    """Additional commands: name -> ("package.module:click_command", short help).

    A name of two words adds to a group that allows it: `"data imitate"`.
    """
    return {}


@hookspec
def aukit_models() -> Mapping[str, tuple[str, str]]:
    """Bundled models in the format of `aukit export`: name -> ("package:folder", summary)."""
    return {}


@hookspec
def aukit_weights() -> Iterable[Weights]:
    """Weights that `aukit weights fetch` can download, with pinned checksums."""
    return ()


@hookspec(firstresult=True)
def aukit_resolve_weights(ref: str) -> Path | None:
    """The file for a weights reference, or None to leave it to other plugins."""


@hookspec
def aukit_run_started(run: ObservedRun) -> None:
    """A run starts or continues."""


@hookspec
def aukit_stage_started(run: ObservedRun, stage: str) -> None:
    """A stage starts computing (not called for reused results)."""


@hookspec
def aukit_scalars(run: ObservedRun, stage: str, step: int, values: Mapping[str, float]) -> None:
    """A component being fitted reports scalars, e.g. its losses."""


@hookspec
def aukit_stage_finished(run: ObservedRun, stage: str, result: Path) -> None:
    """A stage has stored its result."""


@hookspec
def aukit_stage_failed(run: ObservedRun, stage: str, error: BaseException) -> None:
    """A stage failed; the results of finished stages are kept."""


@hookspec
def aukit_run_finished(run: ObservedRun, outcome: Mapping[str, Any]) -> None:
    """A run has finished; `outcome` holds its scores."""
