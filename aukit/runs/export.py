"""Exports a finished run as a self-contained model (`aukit.runs.exported`)."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import aukit
from aukit.config.choice import Choice, names_files
from aukit.config.files import plain_toml
from aukit.config.values import plain
from aukit.data.kinds import INTENSITY
from aukit.data.records import person_keys
from aukit.errors import DataError
from aukit.faces.stored import shards
from aukit.registry.loading import Registry
from aukit.runs.exported import (
    FILES,
    FITTED,
    FORMAT,
    MODEL_CARD,
    MODEL_FILE,
    README,
    is_exported,
    read_exported,
)
from aukit.runs.graphs import add_graphs
from aukit.runs.known import model_folder
from aukit.runs.models import FittedModel, load_from_run
from aukit.runs.names import PREDICTIONS, SCORES
from aukit.runs.results import read_stages
from aukit.store.files import read_object, read_table, write_json, write_text
from aukit.store.models import CARD, WEIGHTS, load_card

PERSON = ["dataset", "partition", "subject"]
SHOWN = ("icc", "mae", "f1")
"""Scores shown in the README's table if the run has them."""


def export_model(
    source: Path, folder: Path, registry: Registry, landmarker: Choice, onnx: bool = False
) -> dict[str, Any]:
    """Fill an empty folder with what a run has fitted, or with a copy of an exported model.

    Args:
        source: folder of a run or an exported model, or the name of a bundled model.
        folder: the folder to fill.
        registry: where its components are looked up.
        landmarker: finds faces, if the run used landmarks of its dataset.
        onnx: also export the estimator and the synthesizer to ONNX.

    Returns:
        the content of `card.json`.

    Raises:
        ConfigError: not a run or a model, or its estimator cannot be exported to ONNX.
        DataError: the run has fitted no estimator, something is damaged, or the ONNX graph's
            results differ.
    """
    source = model_folder(source, registry)
    if is_exported(source):
        read_exported(source, registry)
        shutil.copytree(source, folder, dirs_exist_ok=True)
        card = read_object(folder / MODEL_CARD) or {}
    else:
        card = export_run(source, folder, registry, landmarker)
    if onnx:
        card["onnx"] = add_graphs(folder, registry)
        write_json(folder / MODEL_CARD, card)
        _tell_graphs(folder / README, card["onnx"])
    return card


def export_run(run: Path, folder: Path, registry: Registry, landmarker: Choice) -> dict[str, Any]:
    """Fill an empty folder with what a run has fitted.

    Args:
        run: folder of the run.
        folder: the folder to fill.
        registry: where its components are looked up.
        landmarker: finds faces, if the run used landmarks of its dataset.

    Returns:
        the content of `card.json`.

    Raises:
        ConfigError: not a run folder.
        DataError: the run has fitted no estimator, or something is damaged.
    """
    models = dict(_models(run, registry))
    for kind, model in models.items():
        _copy_model(model.folder, folder / kind)
    choices = choices_of(models["estimator"], landmarker, "synth" in models)
    document = _document(models["estimator"], choices, folder)
    write_text(folder / MODEL_FILE, f"# model exported by aukit\n{plain_toml(document)}\n")
    card = {**document, **_about(run, models["estimator"], choices)}
    write_json(folder / MODEL_CARD, card)
    write_text(folder / README, readme(card))
    return card


def describe_run(run: Path, registry: Registry, landmarker: Choice) -> dict[str, Any]:
    """The content of `card.json` if the run were exported.

    Raises:
        ConfigError, DataError: as `export_run`.
    """
    models = dict(_models(run, registry))
    choices = choices_of(models["estimator"], landmarker, "synth" in models)
    document = _document(models["estimator"], choices, None)
    return {**document, **_about(run, models["estimator"], choices)}


def _document(
    fitted: FittedModel, choices: Mapping[str, Choice | None], folder: Path | None
) -> dict[str, Any]:
    card = load_card(fitted.folder)
    return {
        "format": FORMAT,
        "aukit": aukit.__version__,
        "aus": list(card["aus"]),
        "kinds": {au: card.get("kinds", {}).get(au, INTENSITY) for au in card["aus"]},
        **{kind: section(choice, folder) for kind, choice in choices.items()},
    }


def _tell_graphs(path: Path, graphs: Mapping[str, Any]) -> None:
    """Describe inputs and outputs of the ONNX files in the README."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    lines = ["## ONNX", ""]
    for graph in filter(None, graphs.values()):
        lines += [f"`{graph['file']}`:", ""]
        for way in ("inputs", "outputs"):
            lines += [f"- {way[:-1]} `{name}`: {what}" for name, what in graph[way].items()]
        lines.append("")
    write_text(path, text.partition("\n## ONNX\n")[0].rstrip() + "\n\n" + "\n".join(lines))


def _models(run: Path, registry: Registry) -> Iterator[tuple[str, FittedModel]]:
    for kind in FITTED:
        try:
            yield kind, load_from_run(kind, run, registry, "cpu")
        except DataError:
            if kind == "estimator":
                raise


def _copy_model(source: Path, target: Path) -> None:
    target.mkdir()
    for name in (WEIGHTS, CARD):
        shutil.copyfile(source / name, target / name)


def choices_of(fitted: FittedModel, landmarker: Choice, paints: bool) -> dict[str, Choice | None]:
    """The components of a model, by kind."""
    config, role = fitted.config, fitted.config.roles["train"]
    return {
        "estimator": config.need("estimator"),
        "synth": config.components["synth"] if paints else None,
        "normalizer": config.components["normalizer"],
        "aligner": role.aligner,
        "landmarker": role.landmarker or landmarker,
    }


def section(choice: Choice | None, folder: Path | None) -> dict[str, Any]:
    """The section of a component in `model.toml`; files named by its options are copied to
    `folder`."""
    if choice is None:
        return {"name": "none"}
    options = plain(choice.options)
    if (
        folder is not None and choice.component.kind not in FITTED
    ):  # fitted models hold their weights
        for entry in dataclasses.fields(choice.options):
            source = Path(os.path.expanduser(str(options[entry.name])))
            # Weights given by name, not by path, are found by name on any machine.
            if names_files(choice.options, entry) and source.is_file():
                (folder / FILES).mkdir(exist_ok=True)
                shutil.copyfile(source, folder / FILES / source.name)
                options[entry.name] = f"{FILES}/{source.name}"
    return {"name": choice.component.qualified, **options}


def _about(run: Path, fitted: FittedModel, choices: Mapping[str, Choice | None]) -> dict[str, Any]:
    """The facts on a model's card."""
    train, test = fitted.config.roles["train"].data, fitted.config.roles["test"].data
    chosen = [train, *filter(None, choices.values())]
    scores = read_object(run / SCORES) or {}
    return {
        "alignment": load_card(fitted.folder).get("alignment"),
        "run": run.resolve().name,
        "seed": fitted.context.seed,
        "training data": train.to_json(),
        "test data": test.to_json(),
        "training people": _training_people(run),
        "test people": _people([run / PREDICTIONS]),
        "scores": {name: scores[name] for name in scores if name not in ("people", "views")},
        "licences": {choice.component.qualified: _licences(choice) for choice in chosen},
    }


def _training_people(run: Path) -> int | None:
    found = read_stages(run).get("align-train")
    return None if found is None else _people(shards(found.folder))


def _people(paths: Sequence[Path]) -> int | None:
    """Number of people in tables; None if the tables are gone."""
    there = [path for path in paths if path.is_file()]
    tables = [read_table(path, PERSON) for path in there]
    return len({key for table in tables for key in person_keys(table)}) or None


def _licences(choice: Choice) -> dict[str, str]:
    component = choice.component
    told = {
        "code": component.licence,
        "weights": component.weights_licence,
        "data": component.data_licence,
    }
    return {what: text for what, text in told.items() if text}


def readme(card: Mapping[str, Any]) -> str:
    """The model card as Markdown."""
    names = {kind: card[kind]["name"] for kind in ("estimator", "aligner", "normalizer", "synth")}
    aus = ", ".join(f"{au} ({card['kinds'][au]})" for au in card["aus"])
    people = card["test people"]
    return "\n".join(
        [
            f"# AU estimator of run {card['run']}",
            "",
            f"Estimates {aus} on the FACS scale from 0 to 5.",
            "",
            "    aukit predict video.mp4 --run THIS-FOLDER -o OUT",
            "",
            "## Training",
            "",
            f"- estimator {names['estimator']}, normalizer {names['normalizer']}, "
            f"synthesizer {names['synth']}",
            f"- faces must be registered by {names['aligner']}; others are refused",
            f"- trained on {card['training data']['name']}, options "
            f"`{card['training data']['options']}`, {_counted(card['training people'])} people, "
            f"seed {card['seed']}",
            "",
            "## Scores",
            "",
            f"On {_counted(people)} people of "
            f"{card['test data']['name']} who are in no training set, with 95 % intervals over "
            "people:",
            "",
            *_score_lines(card["scores"]),
            "",
            "## Limits",
            "",
            "- It has seen only the people, cameras and coding of its training data. On other "
            "data it "
            "may do worse than these scores; by how much was not measured.",
            "- An intensity describes the face in a frame, not what the person feels.",
            "- Rare AUs and high intensities rest on few examples.",
            "",
            "## Licences",
            "",
            *(
                f"- {name}: {', '.join(f'{what} {text}' for what, text in told.items())}"
                for name, told in card["licences"].items()
            ),
            "",
        ]
    )


def _counted(people: int | None) -> str:
    return "an unknown number of" if people is None else f"{people}"


def _score_lines(scores: Mapping[str, Any]) -> list[str]:
    """A Markdown table with one row per AU and cells `value [low, high]`."""
    names = [name for name in SHOWN if name in scores.get("mean", {})]
    if not names:
        return ["The run was not scored."]
    head = [f"| AU | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    rows = ((au, [_score(found.get(name)) for name in names]) for au, found in scores.items())
    return [*head, *(f"| {au} | {' | '.join(cells)} |" for au, cells in rows)]


def _score(found: Mapping[str, float | None] | None) -> str:
    if not found or found["value"] is None:
        return "undefined"
    value, low, high = (found[key] for key in ("value", "low", "high"))
    if low is None or high is None:
        return f"{value:.3f}"
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
