"""An exported model: a folder with everything that prediction and synthesis need.

| file | content |
|---|---|
| `README.md` | model card: purpose, data, people, scores with intervals, limits, licences |
| `card.json` | the same, machine-readable |
| `model.toml` | the components and their options, AUs and kinds; `aukit predict` reads it |
| `estimator`, `synth` | the fitted models, each with its card |
| `estimator/model.onnx`, `synth/model.onnx` | the same as ONNX, if requested |
| `files` | files that options refer to by path, such as weights of an aligner |

It holds no faces: a normalizer estimates what it needs from the people it is applied to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice, build, make
from aukit.config.files import read_file
from aukit.config.values import Value
from aukit.contracts.context import Context
from aukit.errors import ConfigError, DataError
from aukit.registry.loading import Registry
from aukit.store.files import file_digest
from aukit.store.graphs import GRAPH, open_graph, refuse_other_weights
from aukit.store.models import WEIGHTS

MODEL_FILE, README, MODEL_CARD, FILES = "model.toml", "README.md", "card.json", "files"
FORMAT = 1
"""Version of the folder's layout."""

FITTED = ("estimator", "synth")
"""Kinds whose fitted model the folder may hold, in a subfolder of that name."""

KINDS = (*FITTED, "normalizer", "aligner", "landmarker")


@dataclass(frozen=True)
class Exported:
    """The content of `model.toml`.

    Attributes:
        folder: folder of the model.
        choices: kind -> component and options; None if the model has none.
        aus: AU columns that the model estimates.
        kinds: AU column -> `intensity` or `occurrence`.
    """

    folder: Path
    choices: Mapping[str, Choice | None]
    aus: tuple[str, ...]
    kinds: Mapping[str, str]

    def need(self, kind: str) -> Choice:
        """The choice of a kind.

        Raises:
            DataError: the model has none.
        """
        choice = self.choices[kind]
        if choice is None:
            raise DataError(
                f"model {self.folder} has no {kind}", "export a run that has fitted one"
            )
        return choice

    def load(self, kind: str, context: Context) -> Any:
        """Load the estimator or the synthesizer.

        Raises:
            ConfigError: the kind is never fitted.
            DataError: the model has none, or it is damaged.
        """
        if kind not in FITTED:
            raise ConfigError(
                f"a model holds no fitted {kind}", f"it may hold: {', '.join(FITTED)}"
            )
        component = make(self.need(kind), context)
        component.load(self.folder / kind)
        return component

    def run_onnx(self, estimator: Any) -> None:
        """Let a loaded estimator predict with its ONNX graph.

        Raises:
            ConfigError: the model has no ONNX graph, or the extra `onnx` is not installed.
            DataError: the graph is damaged, or was made from other weights.
        """
        path = self.folder / "estimator" / GRAPH
        if not path.is_file():
            raise ConfigError(
                f"model {self.folder} has no ONNX graph", "make one with `aukit export --onnx`"
            )
        run = open_graph(path)
        refuse_other_weights(path, file_digest(self.folder / "estimator" / WEIGHTS))
        estimator.run_graph(run)


def is_exported(folder: Path) -> bool:
    """Whether a folder is an exported model."""
    return (folder / MODEL_FILE).is_file()


def read_exported(folder: Path, registry: Registry) -> Exported:
    """Read the folder of an exported model.

    Raises:
        ConfigError: a component is not installed, or `model.toml` is damaged.
        DataError: the model was made by a newer aukit, or is incomplete.
    """
    document = read_file(folder / MODEL_FILE)
    known = document.get("format")
    if not isinstance(known, int) or known > FORMAT:
        raise DataError(
            f"model {folder} has format {known}; this aukit reads up to {FORMAT}",
            f"install aukit {document.get('aukit', '')}, which made it, or a newer one",
        )
    if missing := [key for key in ("aus", *KINDS) if key not in document]:
        raise DataError(f"{folder / MODEL_FILE} lacks '{missing[0]}'", "copy the model again")
    choices = {kind: _choice(folder, kind, document[kind], registry) for kind in KINDS}
    return Exported(folder, choices, tuple(document["aus"]), document.get("kinds", {}))


def _choice(
    folder: Path, kind: str, section: Mapping[str, Any], registry: Registry
) -> Choice | None:
    name, options = section["name"], {k: v for k, v in section.items() if k != "name"}
    if name == "none":
        return None
    component = registry.find(kind, name)
    values = {key: Value(_found(folder, raw), MODEL_FILE) for key, raw in options.items()}
    built, origins = build(component, [values])
    return Choice(component, built, origins, MODEL_FILE)


def _found(folder: Path, value: Any) -> Any:
    """The value of an option, with a file of the folder as its full path."""
    inside = isinstance(value, str) and value.startswith(f"{FILES}/")
    return str(folder / value) if inside and (folder / value).is_file() else value
