"""The computation of a fitted component as a graph of tensors, which other programs can run (ONNX).

Optional, for estimators and synthesizers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from aukit.contracts.faces import FaceBatch

if TYPE_CHECKING:
    from torch import Tensor, nn

Tensors = Mapping[str, "Tensor"]

Run = Callable[[Tensors], Tensors]
"""Computes the outputs of a graph from its inputs, by name."""


@dataclass(frozen=True)
class Graph:
    """What becomes an ONNX file.

    Attributes:
        module: takes the inputs, by name, in one dictionary, and returns a tuple of the outputs in
            their order; on the CPU and in evaluation mode. The first axis of each is the batch, of
            any size.
        inputs: name -> example, float32, of two faces or more.
        outputs: their names.
        about: name of an input or output -> what it is, in one line.
    """

    module: nn.Module
    inputs: Tensors
    outputs: tuple[str, ...]
    about: Mapping[str, str]


@runtime_checkable
class HasGraph(Protocol):
    """A component that can be given away as a graph."""

    def graph(self, faces: FaceBatch) -> Graph:
        """What was fitted or loaded, for registered faces of the size of some.

        Args:
            faces: an example, two or more; their AUs are those of the component.
        """
        ...


@runtime_checkable
class RunsGraph(HasGraph, Protocol):
    """An estimator that can have its graph computed elsewhere, and predict with the results."""

    def run_graph(self, run: Run) -> None:
        """From now on, take from `run` what the graph gives.

        Called after `load`.
        """
        ...
