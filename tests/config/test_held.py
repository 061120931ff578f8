"""Components that are held to their contracts stay what their authors wrote."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from aukit.components import Component
from aukit.config.held import hold
from aukit.contracts.faces import FaceBatch
from aukit.contracts.labels import Labels
from aukit.errors import PluginError, StageError

AUS = ("AU04", "AU12")
Change = Callable[[Tensor], Any]


@dataclass(frozen=True)
class Options:
    """None."""


def record(kind: str) -> Component:
    return Component(kind, "toy", "a:B", Options, "toy", distribution="toys", version="1")


class Painter:
    """A synthesizer."""

    def __init__(self, change: Change) -> None:
        self.change = change

    def synthesize(self, faces: FaceBatch, targets: Labels, seeds: Tensor) -> Any:
        return self.change(faces.images)

    def fit(self, faces: object, session: object) -> None:
        raise ValueError("not today")

    def save(self, folder: object) -> None: ...
    def load(self, folder: object) -> None: ...


class Judge:
    """A judge."""

    names, calibrated = AUS, True

    def __init__(self, change: Change, measures: str = "intensity") -> None:
        self.change, self.measures = change, measures

    def look(self, images: Tensor, landmarks: Tensor) -> Any:
        return self.change(torch.zeros(len(images), 2))


@dataclass(frozen=True, slots=True)
class Slotted:
    """A frozen judge without a dictionary."""

    width: int
    measures: str = "features"
    names: tuple[str, ...] = ("distance",)

    def look(self, images: Tensor, landmarks: Tensor) -> Tensor:
        return torch.zeros(len(images), self.width)


class Plain(Slotted):
    """One that others may pickle."""


def batch(count: int = 3) -> FaceBatch:
    blank, none = ("",) * count, torch.zeros(count, 0)
    images = torch.zeros(count, 3, 8, 8, dtype=torch.uint8)
    return FaceBatch(blank, blank, images, Labels((), none, none.bool()), torch.zeros(count, 68, 2))


def painted(change: Change) -> Any:
    faces = batch()
    return hold(Painter(change), record("synth")).synthesize(faces, faces.labels, torch.zeros(3))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda x: x[:, :, :4, :4], r"faces as uint8 \(3, 3, 4, 4\), not uint8 \(3, 3, 8, 8\)"),
        (lambda x: x.float(), r"faces as float32 \(3, 3, 8, 8\), not uint8"),
        (lambda x: x[:-1], r"faces as uint8 \(2, 3, 8, 8\)"),
        (lambda x: None, "returned NoneType as faces, not a tensor"),
    ],
)
def test_what_a_synthesizer_paints_is_checked(change: Change, complaint: str) -> None:
    culprit = r"synth 'toy' \(toys 1\) breaks its contract: synthesize returned "
    with pytest.raises(PluginError, match=culprit) as caught:
        painted(change)
    caught.match(complaint)


@pytest.mark.parametrize(
    ("change", "measures", "complaint"),
    [
        (lambda x: x[:, :1], "intensity", r"\(3, 1\), not float32 \(3, 2\)"),
        (lambda x: x[:2], "identity", r"\(2, 2\), not float32 \(3, any\)"),
        (lambda x: x.double(), "features", "float64"),
    ],
)
def test_what_a_judge_sees_is_checked(change: Change, measures: str, complaint: str) -> None:
    faces = batch()
    judge = hold(Judge(change, measures), record("judge"))
    with pytest.raises(PluginError, match=f"judge 'toy' .*: look returned .*{complaint}"):
        judge.look(faces.images, faces.landmarks)


def test_what_a_component_raises_is_told_with_its_name() -> None:
    with pytest.raises(StageError, match=r"synth 'toy' \(toys 1\).*not today"):
        hold(Painter(lambda x: x), record("synth")).fit(None, None)


def test_a_component_without_a_method_of_its_contract_is_refused() -> None:
    with pytest.raises(PluginError, match="it has no method 'fit'"):
        hold(Judge(lambda x: x), record("synth"))


def test_a_held_component_is_what_its_author_wrote() -> None:
    faces = batch()
    judge = hold(Plain(4), record("judge"))
    assert isinstance(judge, Plain)
    for other in (judge, copy.copy(judge), copy.deepcopy(judge), pickle.loads(pickle.dumps(judge))):
        assert other.look(faces.images, faces.landmarks).shape == (3, 4)
    assert hold(Slotted(2), record("judge")).look(faces.images, faces.landmarks).shape == (3, 2)
