"""Single components: choose, build, or load what a run has fitted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from aukit.components import KINDS
from aukit.config.choice import Choice, chosen
from aukit.config.values import PYTHON
from aukit.contracts.context import Context
from aukit.errors import ConfigError
from aukit.registry.loading import default_registry, resolve_weights

if TYPE_CHECKING:
    from aukit.contracts.aligner import Aligner
    from aukit.contracts.balancer import Balancer
    from aukit.contracts.dataset import Dataset
    from aukit.contracts.estimator import Estimator
    from aukit.contracts.executor import Executor
    from aukit.contracts.judge import Judge
    from aukit.contracts.landmarker import Landmarker
    from aukit.contracts.metric import Metric
    from aukit.contracts.normalizer import Normalizer
    from aukit.contracts.synthesizer import Synthesizer


def choose(kind: str, name: str, preset: str = "full", **options: Any) -> Choice:
    """Choose a component with its options, without building it.

    Args:
        kind: `data`, `landmarker`, `aligner`, `synth`, `balancer`, `normalizer`, `estimator`,
            `metric` or `executor`.
        name: its name or alias.
        preset: preset to start from: `quick`, `full` or `paper`.
        **options: the component's own options.

    Raises:
        ConfigError: unknown kind, name or option, or an invalid value.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown kind '{kind}'", f"kinds: {', '.join(KINDS)}")
    component = default_registry().find(kind, name)
    return chosen(component, preset, [(PYTHON, options)], PYTHON)


# fmt: off
@overload
def build(
    kind: Literal["data"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Dataset: ...
@overload
def build(
    kind: Literal["landmarker"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Landmarker: ...
@overload
def build(
    kind: Literal["aligner"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Aligner: ...
@overload
def build(
    kind: Literal["synth"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Synthesizer: ...
@overload
def build(
    kind: Literal["balancer"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Balancer: ...
@overload
def build(
    kind: Literal["normalizer"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Normalizer: ...
@overload
def build(
    kind: Literal["estimator"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Estimator: ...
@overload
def build(
    kind: Literal["metric"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Metric: ...
@overload
def build(
    kind: Literal["judge"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Judge: ...
@overload
def build(
    kind: Literal["executor"], name: str, *, device: str = ..., seed: int = ...,
    preset: str = ..., **options: Any,
) -> Executor: ...
@overload
def build(
    kind: str, name: str, *, device: str = ..., seed: int = ..., preset: str = ..., **options: Any
) -> Any: ...
# fmt: on
def build(
    kind: str,
    name: str,
    *,
    device: str = "cpu",
    seed: int = 0,
    preset: str = "full",
    **options: Any,
) -> Any:
    """Build a component, ready to use on batches.

    Args:
        kind, name, preset, **options: as in `choose`.
        device: torch device name, or `auto`.
        seed: seed of all its randomness.

    Returns:
        an object with the protocol of its kind (`aukit.contracts`).

    Raises:
        ConfigError: unknown kind, name, option or device.
        PluginError: the component cannot be imported or built.
    """
    from aukit.config.choice import make
    from aukit.machine.devices import resolve_device

    context = Context(resolve_device(device), seed, resolve_weights)
    return make(choose(kind, name, preset, **options), context)


# fmt: off
@overload
def load(
    kind: Literal["estimator"], run: str | Path, *, device: str = ..., aligner: Choice | None = ...
) -> Estimator: ...
@overload
def load(
    kind: Literal["synth"], run: str | Path, *, device: str = ..., aligner: Choice | None = ...
) -> Synthesizer: ...
@overload
def load(
    kind: Literal["normalizer"], run: str | Path, *, device: str = ..., aligner: Choice | None = ...
) -> Normalizer: ...
@overload
def load(
    kind: str, run: str | Path, *, device: str = ..., aligner: Choice | None = ...
) -> Any: ...
# fmt: on
def load(kind: str, run: str | Path, *, device: str = "cpu", aligner: Choice | None = None) -> Any:
    """Load a component that a finished run has fitted.

    Args:
        kind: `estimator`, `synth` or `normalizer`.
        run: folder of a run or of a model made by `aukit export`, or the name of a bundled model
            (`aukit.defaults.MODEL`).
        device: torch device name, or `auto`.
        aligner: the aligner of the faces it will be used on (from `choose`); checked if given.

    Raises:
        ConfigError: the kind is never fitted, or the folder does not exist.
        DataError: the run has fitted none, its model is damaged or gone, or it was fitted on faces
            registered differently.
    """
    from aukit.machine.devices import resolve_device
    from aukit.runs.exported import is_exported, read_exported
    from aukit.runs.known import model_folder
    from aukit.runs.models import load_from_run
    from aukit.store.models import load_card

    folder = model_folder(run, default_registry())
    if is_exported(folder):
        context = Context(resolve_device(device), 0, resolve_weights)
        component = read_exported(folder, default_registry()).load(kind, context)
        card = load_card(folder / kind)
    else:
        found = load_from_run(kind, folder, default_registry(), device)
        component, card = found.component, load_card(found.folder)
    if aligner is not None:
        _refuse_other_aligner(aligner, card)
    return component


def _refuse_other_aligner(aligner: Choice, card: Mapping[str, Any]) -> None:
    from aukit.config.choice import make
    from aukit.store.models import refuse_other_alignment

    built = make(aligner, Context("cpu", 0, resolve_weights))
    refuse_other_alignment(card, {"aligner": aligner.component.name, **built.describe()})
