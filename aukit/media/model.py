"""A model with everything it needs: registration and normalization of faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice, make, named
from aukit.config.values import DEFAULT
from aukit.contracts.context import Context
from aukit.contracts.estimator import Calibrates, Estimator, Prediction
from aukit.contracts.faces import FaceBatch, FaceSource
from aukit.contracts.normalizer import Normalizer
from aukit.data.kinds import Kinds
from aukit.errors import ConfigError
from aukit.faces.normalized import NormalizedFaces
from aukit.faces.registration import Registration, Which
from aukit.machine.devices import resolve_device
from aukit.media.dataset import FILES, FilesOptions
from aukit.media.synthesis import default_landmarker
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.exported import is_exported, read_exported
from aukit.runs.known import model_folder
from aukit.runs.models import load_from_run
from aukit.store.models import load_card, refuse_other_alignment


@dataclass(frozen=True)
class Model:
    """A fitted estimator and the components before it.

    Attributes:
        estimator: the loaded component.
        choice: its record and options.
        normalizer: its normalizer, if any.
        landmarker, aligner: components that registered its training faces.
        context: context of every component.
        card: card of the saved estimator.
        onnx: whether the estimator's ONNX graph is used.
    """

    estimator: Estimator
    choice: Choice
    normalizer: Choice | None
    landmarker: Choice
    aligner: Choice
    context: Context
    card: dict[str, Any]
    onnx: bool = False

    @property
    def aus(self) -> tuple[str, ...]:
        """AUs that the model estimates."""
        return self.estimator.aus

    @property
    def kinds(self) -> Kinds:
        """Kinds of its estimates; intensity if its card does not say."""
        known: Kinds = self.card.get("kinds", {})
        return known

    @property
    def compares(self) -> bool:
        """Whether a face is compared with other faces of the person."""
        return self.normalizer is not None or isinstance(self.estimator, Calibrates)

    def to_json(self) -> dict[str, Any]:
        """What its estimates depend on, as a JSON object."""
        normalizer = None if self.normalizer is None else self.normalizer.to_json()
        document = {"estimator": self.choice.to_json(), "normalizer": normalizer}
        return {"card": self.card, **document, **({"onnx": True} if self.onnx else {})}

    def registration(
        self, inputs: Sequence[str] = (), every: int = 1, faces: Which = "all"
    ) -> Registration:
        """The registration of files for this model.

        Raises:
            DataError: the aligner behaves differently than when the model was fitted.
            MissingWeights: weights of the landmarker or the aligner are not on this machine.
        """
        data = Choice(FILES, FilesOptions(tuple(inputs), every), {}, DEFAULT)
        found = Registration(
            data, self.landmarker, self.aligner, self.context, faces, pictures="ppm"
        )
        with named(self.aligner, "align"):
            refuse_other_alignment(self.card, found.describe())
        return found

    def reader(self, faces: FaceSource, rest: FaceSource | None = None) -> Reader:
        """A reader calibrated on the people in the faces.

        Args:
            faces: all faces to estimate.
            rest: neutral faces of the same people; None: calibrate on `faces`.
        """
        normalizer: Normalizer | None = None
        if self.normalizer is not None:
            # A new one, without the people of the run.
            normalizer = make(self.normalizer, self.context)
            with named(self.normalizer, "predict"):
                normalizer.fit(rest or faces)
        if isinstance(self.estimator, Calibrates):
            with named(self.choice, "predict"):
                self.estimator.calibrate(_seen(rest or faces, normalizer), rest is not None)
        return Reader(self, normalizer)


@dataclass(frozen=True)
class Reader:
    """Estimates faces of people it was calibrated on."""

    model: Model
    normalizer: Normalizer | None

    def predict(self, faces: FaceBatch) -> Prediction:
        """Intensity and level of a batch.

        Raises:
            StageError: the normalizer or the estimator failed.
        """
        if self.normalizer is not None:
            assert self.model.normalizer is not None
            with named(self.model.normalizer, "predict"):
                faces = replace(faces, images=self.normalizer.apply(faces))
        with named(self.model.choice, "predict"):
            return self.model.estimator.predict(faces)


def _seen(faces: FaceSource, normalizer: Normalizer | None) -> FaceSource:
    return faces if normalizer is None else NormalizedFaces(faces, normalizer)


def open_model(
    folder: str | Path,
    registry: Registry,
    device: str = "auto",
    landmarker: Choice | None = None,
    onnx: bool = False,
) -> Model:
    """Open the estimator of a run or of a model made by `aukit export`.

    Args:
        folder: folder of the run or the model, or the name of a bundled model.
        registry: where its components are looked up.
        device: torch device name, or `auto`.
        landmarker: used instead of the model's own landmarker.
        onnx: run the graph made by `aukit export --onnx` with onnxruntime.

    Raises:
        ConfigError: the folder does not exist, a component is not installed, or there is no ONNX
            graph.
        DataError: it has no fitted estimator, or the model is damaged or too new.
    """
    folder = model_folder(folder, registry)
    if is_exported(folder):
        return _of_model(folder, registry, device, landmarker, onnx)
    if onnx:
        raise ConfigError(
            f"{folder} is a run, not an ONNX model", "make one with `aukit export --onnx`"
        )
    found = load_from_run("estimator", folder, registry, device)
    own = found.config.roles["train"].landmarker or default_landmarker(registry)
    return Model(
        estimator=found.component,
        choice=found.config.need("estimator"),
        normalizer=found.config.components["normalizer"],
        landmarker=landmarker or own,
        aligner=found.config.roles["train"].aligner,
        context=found.context,
        card=load_card(found.folder),
    )


def _of_model(
    folder: Path, registry: Registry, device: str, landmarker: Choice | None, onnx: bool
) -> Model:
    found = read_exported(folder, registry)
    context = Context(resolve_device(device), 0, resolve_weights)
    estimator = found.load("estimator", context)
    if onnx:
        found.run_onnx(estimator)
    return Model(
        estimator=estimator,
        choice=found.need("estimator"),
        normalizer=found.choices["normalizer"],
        landmarker=landmarker or found.need("landmarker"),
        aligner=found.need("aligner"),
        context=context,
        card=load_card(folder / "estimator"),
        onnx=onnx,
    )
