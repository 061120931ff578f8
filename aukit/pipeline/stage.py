"""A stage of a run: its fields form its key and are all it may read.

A stage is a frozen dataclass. `compute` gets a folder to fill and what all stages share (device,
progress, workers), which affects no numbers. An input missing from the fields is therefore an
attribute error, not a wrong result. Stages are small and picklable: their inputs are stored results
of other stages.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from aukit.config.choice import Choice, make
from aukit.contracts.context import Context
from aukit.pipeline.work import Work
from aukit.runs.names import MODEL
from aukit.store.models import load_card, refuse_other_alignment
from aukit.store.stages import Result

WATCHING: Mapping[str, Any] = {"watching": True}
"""Metadata of a field that affects only display, not numbers; left out of the key."""


@dataclass(frozen=True)
class Stage(abc.ABC):
    """One step of a run.

    Attributes:
        name: name of the step, e.g. `align`; the first part of its key.
        together: whether all processes of torchrun compute it; only process 0 may write.
    """

    name: ClassVar[str]
    together: ClassVar[bool] = False

    @abc.abstractmethod
    def compute(self, folder: Path, work: Work) -> None:
        """Fill a folder; it may hold usable parts from an interrupted attempt."""

    def document(self) -> dict[str, Any]:
        """Everything that determines the result, as JSON values."""
        return {
            entry.name: _told(getattr(self, entry.name))
            for entry in dataclasses.fields(self)
            if not entry.metadata.get("watching")
        }

    def inputs(self) -> Iterator[Result]:
        """The results of other stages that this one reads."""
        for entry in dataclasses.fields(self):
            if not entry.metadata.get("watching"):
                yield from _results(getattr(self, entry.name))


@dataclass(frozen=True)
class Fitted:
    """A component and the result of fitting it.

    Attributes:
        choice: the component.
        result: result of the fit; the model is in its folder `model`.
    """

    choice: Choice
    result: Result

    def load(self, context: Context, alignment: Mapping[str, Any] | None = None) -> Any:
        """Load the fitted component.

        Args:
            context: context to build it with.
            alignment: alignment of the faces it will get; None: like its training faces.

        Raises:
            DataError: its training faces were aligned differently, or the model is damaged.
        """
        model = self.result.folder / MODEL
        if alignment is not None:
            refuse_other_alignment(load_card(model), alignment)
        component = make(self.choice, context)
        component.load(model)
        return component


def _told(value: Any) -> Any:
    """A field as a JSON value: components by name and options, results by key."""
    if isinstance(value, Choice):
        return value.to_json()
    if isinstance(value, Result):
        return value.key
    if isinstance(value, (tuple, list)):
        return [_told(entry) for entry in value]
    if dataclasses.is_dataclass(value):
        return {f.name: _told(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise TypeError(
        f"a stage cannot have a field of type {type(value).__name__}: it cannot be part of a key"
    )


def _results(value: Any) -> Iterator[Result]:
    if isinstance(value, Result):
        yield value
    elif isinstance(value, Fitted):
        yield value.result
    elif isinstance(value, tuple):
        for entry in value:
            yield from _results(entry)
