"""ONNX graphs of an exported model's estimator and synthesizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aukit.contracts.context import Context
from aukit.contracts.faces import FaceBatch
from aukit.contracts.graph import HasGraph
from aukit.errors import ConfigError
from aukit.faces.registration import registered_side
from aukit.registry.loading import Registry, resolve_weights
from aukit.runs.exported import FITTED, Exported, read_exported
from aukit.store.files import file_digest
from aukit.store.graphs import GRAPH, write_graph
from aukit.store.models import WEIGHTS, load_card
from aukit.testing.drawn import DrawnFaces

EXAMPLES = 6
"""Random faces on which a graph is compared with torch."""


def add_graphs(folder: Path, registry: Registry) -> dict[str, Any]:
    """Write the ONNX graph of the estimator, and of the synthesizer if there is one.

    Args:
        folder: folder of the model.
        registry: where its components are looked up.

    Returns:
        kind -> file, inputs, outputs and the largest difference from torch; None if the synthesizer
        cannot be exported.

    Raises:
        ConfigError: the estimator cannot be exported, or the extra `onnx` is not installed.
        DataError: the graph's results differ from torch.
    """
    model = read_exported(folder, registry)
    context = Context(weights=resolve_weights)
    side = registered_side(model.need("aligner"), context)
    kinds = [kind for kind in FITTED if model.choices[kind] is not None]
    return {kind: _graph(model, kind, side, context) for kind in kinds}


def _graph(model: Exported, kind: str, side: int, context: Context) -> dict[str, Any] | None:
    component = model.load(kind, context)
    if not isinstance(component, HasGraph):
        if kind == "estimator":
            name = model.need(kind).component.qualified
            raise ConfigError(f"estimator '{name}' cannot be exported to ONNX", "leave out --onnx")
        return None
    card = load_card(model.folder / kind)
    about = {
        "aus": card["aus"],
        "kinds": {au: model.kinds[au] for au in card["aus"] if au in model.kinds},
        "alignment": card.get("alignment"),
        "weights": file_digest(model.folder / kind / WEIGHTS),
    }
    graph = component.graph(_example(tuple(card["aus"]), side))
    worst = write_graph(graph, model.folder / kind / GRAPH, about)
    return {
        "file": f"{kind}/{GRAPH}",
        "inputs": {name: graph.about[name] for name in graph.inputs},
        "outputs": {name: graph.about[name] for name in graph.outputs},
        "largest difference from torch": worst,
    }


def _example(aus: tuple[str, ...], side: int) -> FaceBatch:
    faces = DrawnFaces(EXAMPLES, aus=aus, size=side, uncoded=0.3)
    return faces.batch(range(EXAMPLES))
