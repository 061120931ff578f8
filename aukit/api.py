"""aukit from Python: a whole run, or any component alone.

from aukit import api

outcome = api.run({"estimator": "vgg16", "seed": 1}, output="runs")
table = api.predict(outcome.folder, ["me.jpg", "interview.mp4"])
aligner = api.build("aligner", "2d", size=128)
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aukit.components import KINDS
from aukit.config.choice import Choice, chosen
from aukit.config.values import PYTHON
from aukit.contracts.context import Context
from aukit.errors import ConfigError
from aukit.progress import Progress
from aukit.registry.loading import default_registry, resolve_weights

if TYPE_CHECKING:
    import pyarrow as pa

    from aukit.pipeline.execute import Outcome

__all__ = ["build", "choose", "load", "predict", "run"]


def choose(kind: str, name: str, preset: str = "full", **options: Any) -> Choice:
    """A component with its options, not built yet.

    Args:
        kind: `data`, `landmarker`, `aligner`, `synth`, `balancer`, `normalizer`, `estimator`,
            `metric` or `executor`.
        name: its name or alias.
        preset: where to start from: `quick`, `full` or `paper`.
        **options: the component's own options.

    Raises:
        ConfigError: unknown kind, name or option, or a value that is not accepted.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown kind '{kind}'", f"kinds: {', '.join(KINDS)}")
    component = default_registry().find(kind, name)
    return chosen(component, preset, [(PYTHON, options)], PYTHON)


def build(
    kind: str,
    name: str,
    *,
    device: str = "cpu",
    seed: int = 0,
    preset: str = "full",
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


def load(kind: str, run: str | Path, *, device: str = "cpu", aligner: Choice | None = None) -> Any:
    """A component that a finished run has fitted.

    Args:
        kind: `estimator`, `synth` or `normalizer`.
        run: the run's folder, or that of a model that `aukit export` made, or the name of a model
            that comes along (`aukit.defaults.MODEL`).
        device: torch device name, or `auto`.
        aligner: what registers the faces that the component will be given (`choose`).

    Raises:
        ConfigError: not a kind that is fitted, or no such folder.
        DataError: the run has fitted none, its model is damaged or gone, or was fitted on faces
            that were registered otherwise.
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


def predict(
    run: str | Path,
    frames: Any,
    *,
    faces: Literal["best", "all"] = "best",
    people: Literal["file", "folder", "one"] = "file",
    neutral: int | str | None = None,
    device: str = "cpu",
) -> pa.Table:
    """AU intensities of photos, videos or pictures, as `aukit predict` estimates them.

    Faces are registered as those of the model were, so it never sees others.

    Args:
        run: folder of a finished run, or of a model that `aukit export` made, or the name of a
            model that comes along (`aukit.defaults.MODEL`).
        frames: a path or several, of photos, videos and folders; or pictures: PIL, numpy
            (H, W, 3) or torch (3, H, W), 8 bits and RGB, one, several or a batch in one array,
            taken for successive frames of one video.
        faces: the best face of a photo and the most seen person of a video, or all.
        people: who is in files: in each `file` somebody else, in each `folder`, or `one` person.
        neutral: everybody at rest: the number of a frame, or the path of a picture.
        device: torch device name, or `auto`.

    Returns:
        rows in `aukit.data.records.estimate_schema`; `.to_pandas()` makes a data frame of it.

    Raises:
        ConfigError: no such folder, or something that is no picture.
        DataError: the model is damaged, or there is nothing to read.
    """
    import tempfile

    from aukit.config.choice import make
    from aukit.media.arrays import predict_pictures
    from aukit.media.model import open_model
    from aukit.media.people import Grouping
    from aukit.media.predict import Task, predict_files
    from aukit.store.files import read_table

    model = open_model(run, default_registry(), device)
    paths = [frames] if isinstance(frames, (str, Path)) else frames
    grouping = Grouping(faces, people)
    if not (isinstance(paths, (list, tuple)) and all(isinstance(p, (str, Path)) for p in paths)):
        if isinstance(neutral, str):
            raise ConfigError("name a neutral frame among pictures by its number")
        return predict_pictures(model, frames, grouping, neutral)
    with tempfile.TemporaryDirectory(prefix="aukit-predict-") as scratch:
        task = Task(tuple(map(str, paths)), grouping, neutral=neutral)
        executor = make(choose("executor", "inline"), model.context)
        return read_table(predict_files(model, task, Path(scratch), executor).table)


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
