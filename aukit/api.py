"""aukit from Python: a whole run, or any component alone.

from aukit import api

outcome = api.run({"estimator": "vgg16", "seed": 1}, output="runs")
aligner = api.build("aligner", "2d", size=128)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aukit.components import KINDS
from aukit.config.choice import Choice
from aukit.config.choice import build as build_options
from aukit.config.values import PYTHON, Value
from aukit.contracts.context import Context
from aukit.errors import ConfigError
from aukit.progress import Progress
from aukit.registry.loading import default_registry, presets_of, resolve_weights

if TYPE_CHECKING:
    from aukit.pipeline.execute import Outcome

__all__ = ["build", "choose", "load", "run"]


def choose(kind: str, name: str, preset: str = "paper", **options: Any) -> Choice:
    """A component with its options, not built yet.

    Args:
        kind: `data`, `landmarker`, `aligner`, `synth`, `balancer`, `normalizer`, `estimator`,
            `metric` or `executor`.
        name: its name or alias.
        preset: the sizes to start from.
        **options: the component's own options.

    Raises:
        ConfigError: unknown kind, name or option, or a value that is not accepted.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown kind '{kind}'", f"kinds: {', '.join(KINDS)}")
    component = default_registry().find(kind, name)
    layers = [
        {k: Value(v, f"preset {preset}") for k, v in presets_of(component, preset).items()},
        {k: Value(v, PYTHON) for k, v in options.items()},
    ]
    built, origins = build_options(component, layers)
    return Choice(component, built, origins, PYTHON)


def build(
    kind: str,
    name: str,
    *,
    device: str = "cpu",
    seed: int = 0,
    preset: str = "paper",
    **options: Any,
) -> Any:
    """A component, ready to be used on batches.

    Args:
        kind, name, preset, **options: as in `choose`.
        device: torch device name, or `auto`.
        seed: all its randomness is drawn from this.

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


def load(kind: str, run: str | Path, *, device: str = "cpu") -> Any:
    """A component that a finished run has fitted.

    Args:
        kind: `estimator`, `synth` or `normalizer`.
        run: the run's folder.
        device: torch device name, or `auto`.

    Raises:
        ConfigError: not a kind that is fitted, or not a run folder.
        DataError: the run has fitted none, or its model is damaged or gone.
    """
    from aukit.runs.models import load_from_run

    return load_from_run(kind, Path(run), default_registry(), device).component


def run(
    settings: Mapping[str, Any] | str | Path,
    output: str | Path = "runs",
    progress: Progress | None = None,
) -> Outcome:
    """A whole run, as `aukit run` does it.

    Args:
        settings: what a run file holds: a mapping (dotted keys as on the command line are fine,
            e.g. `{"aligner": "2d", "estimator.epochs": 4}`), or the path of a run file.
        output: folder of run folders.
        progress: shows how far it is; silent if None.

    Raises:
        AukitError: with one line of what, where and what to do.
    """
    from aukit.config.files import read_file
    from aukit.config.resolve import nest, resolve
    from aukit.pipeline.execute import execute

    registry = default_registry()
    if isinstance(settings, (str, Path)):
        layer = (str(settings), read_file(Path(settings)))
    else:
        layer = (PYTHON, nest(settings))
    return execute(resolve(registry, [layer]), Path(output), registry, progress)
