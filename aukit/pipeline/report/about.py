"""The report's facts about the run: choices, stages, training curves, environment, licences."""

from __future__ import annotations

import math
import shlex
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice as Chosen
from aukit.report.data import Choice, Curve, Licence, Setting, Stage
from aukit.runs.folder import EVENTS
from aukit.runs.names import TRAINING
from aukit.runs.results import Results
from aukit.store.files import read_document, read_lines, read_object
from aukit.store.stages import STAGE_FILE
from aukit.training.loop import SCALARS, read_scalars

FITS = {
    "fit-synth": ("synth", "Synthesizer {}"),
    "fit-normalizer": ("normalizer", "Normalizer {}"),
    "fit-judge": ("estimator", "Judge of the synthesizer: {} fitted on real frames only"),
    "fit-estimator": ("estimator", "Estimator {}"),
}
"""Stage -> kind of the component it fits, and the fit's title in the report."""


def summary(results: Results) -> dict[str, str]:
    """The summary at the top of the report."""
    options = results.config.options
    begun = next((event["time"] for event in _events(results) if "time" in event), None)
    made = sum(stage.seconds for stage in stages(results) if not stage.reused)
    return {
        "run folder": results.folder.name,
        "started": _moment(begun),
        "time of computed stages": _duration(made),
        "preset": options.preset,
        "seed": str(options.seed),
        "device": str(_environment(results).get("device", "unknown")),
        "action units": ", ".join(results.aus),
    }


def _moment(seconds: float | None) -> str:
    if seconds is None:
        return "unknown"
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _duration(seconds: float) -> str:
    """`1 h 2 min`, `3 min 5 s`, `7 s`."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def typed(folder: Path) -> str:
    """The command line, without the path of the program."""
    text = (folder / "command.txt").read_text(encoding="utf-8", errors="replace")
    try:
        words = shlex.split(text)
    except ValueError:  # truncated inside quotes
        return text
    return shlex.join([Path(words[0]).name, *words[1:]]) if words else ""


def _events(results: Results) -> list[dict[str, Any]]:
    """The readable events; the last line may be truncated if the process was killed."""
    return read_lines(results.folder / EVENTS)


def _chosen(results: Results) -> Iterator[tuple[str, Chosen]]:
    shared = results.config.components
    for kind, choice in shared.items():
        if choice is not None:
            yield kind, choice
    if (yardstick := results.config.yardstick) is not None:
        yield "yardstick", yardstick
    if shared["synth"] is not None:
        yield from (("judge", choice) for choice in results.config.judges.choices)
    for name, role in results.config.roles.items():
        for kind in ("data", "landmarker", "aligner"):
            own = getattr(role, kind)
            if own is not None and own != shared[kind]:
                yield f"{name} {kind}", own


def _origins(results: Results) -> dict[str, str]:
    """Setting -> origin of its value, from the comments of the run file.

    The configuration of a finished run does not know: it was read from the run file.
    """
    path, found = "", {}
    for line in (results.folder / "run.toml").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            path = line.strip("[]")
        key, _, rest = line.partition(" = ")
        if rest and "  # " in rest:
            parts = [path] if key == "name" else [path, key]
            found[".".join(filter(None, parts))] = rest.rpartition("  # ")[2]
    return found


def choices(results: Results) -> Iterator[Choice]:
    """The chosen components."""
    origins = _origins(results)
    for role, choice in _chosen(results):
        component = choice.component
        version = f"{component.distribution} {component.version}"
        origin = origins.get(role.replace(" ", "."), choice.chosen_by)
        yield Choice(role, component.name, version, origin, component.summary)


def settings(results: Results) -> Iterator[Setting]:
    """All settings with their values and origins."""
    origins = _origins(results)
    for label, value, origin in results.config.rows():
        component, _, option = label.rpartition(".")
        yield Setting(component or "run", option, value, origins.get(label, origin))


def stages(results: Results) -> Iterator[Stage]:
    """The stages; roles that share a result share a line."""
    made = {event.get("stage") for event in _events(results) if event.get("event") == "finished"}
    labels: dict[Path, list[str]] = {}
    for label, result in results.stages.items():
        labels.setdefault(result.folder, []).append(label)
    for folder, names in labels.items():
        seconds = read_document(folder / STAGE_FILE)["seconds"]
        yield Stage(", ".join(names), seconds, made.isdisjoint(names))


def curves(results: Results) -> Iterator[Curve]:
    """The scalars of all fits of this run, computed or reused."""
    seen: set[Path] = set()
    for label, (kind, title) in FITS.items():
        folder, choice = results.get(label), results.config.components[kind]
        if folder is None or choice is None or folder in seen:
            continue
        seen.add(folder)
        for path in sorted((folder / TRAINING).rglob(SCALARS)):
            part = path.parent.relative_to(folder / TRAINING).as_posix()
            stage = title.format(choice.component.name)
            yield from _curves_of(stage, "" if part == "." else part, read_scalars(path))


def _curves_of(stage: str, part: str, lines: Sequence[Mapping[str, Any]]) -> Iterator[Curve]:
    for name in sorted({key for line in lines for key in line} - {"step"}):
        points = [(line["step"], line[name]) for line in lines if name in line]
        values = [math.nan if value is None else value for _, value in points]
        yield Curve(stage, name, [step for step, _ in points], values, part)


def environment(results: Results) -> Iterator[tuple[str, str]]:
    """Versions, machine and plugins."""
    for key, value in _environment(results).items():
        if isinstance(value, Mapping):
            yield from ((str(name), str(text)) for name, text in value.items())
        else:
            yield key, str(value)


def _environment(results: Results) -> Mapping[str, Any]:
    return read_object(results.folder / "environment.json") or {}


def licences(results: Results) -> Iterator[Licence]:
    """The licences of each component, once."""
    used = {choice.component.qualified: choice.component for _, choice in _chosen(results)}
    for component in used.values():
        yield Licence(
            f"{component.kind} {component.name}",
            component.licence,
            component.paper,
            component.weights_licence,
            component.data_licence,
        )
