"""A fitted component as a tensor graph that other programs can run (ONNX).

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
    """A graph to be written as an ONNX file.

    Attributes:
        module: takes a dictionary of inputs by name and returns a tuple of the outputs in order; on
            the CPU, in evaluation mode. The first axis of each is the batch, of any size.
        inputs: name -> example, float32, of at least two faces.
        outputs: names of the outputs.
        about: name of an input or output -> one-line description.
    """

    module: nn.Module
    inputs: Tensors
    outputs: tuple[str, ...]
    about: Mapping[str, str]


@runtime_checkable
class HasGraph(Protocol):
    """A component that can be exported as a graph."""

    def graph(self, faces: FaceBatch) -> Graph:
        """The graph of the fitted or loaded component, for faces of the example's size.

        Args:
            faces: example of at least two faces; their AUs are those of the component.
        """
        ...


@runtime_checkable
class RunsGraph(HasGraph, Protocol):
    """An estimator that can predict with its graph run elsewhere."""

    def run_graph(self, run: Run) -> None:
        """Use `run` to compute the graph's outputs from now on.

        Called after `load`.
        """
        ...
