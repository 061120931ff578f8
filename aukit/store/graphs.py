"""Graphs of components as ONNX files: written, compared with torch, and run by onnxruntime."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from aukit.contracts.graph import Graph, Run, Tensors
from aukit.errors import ConfigError, DataError
from aukit.store.files import write_aside

GRAPH = "model.onnx"
TOLERANCE = 1e-4
"""Largest allowed difference between the outputs of a graph and torch."""

OPSET = 20
"""Version of the operator set; the first with torch's sampling between pixels."""

_KEY = "aukit"


def write_graph(graph: Graph, path: Path, card: Mapping[str, Any]) -> float:
    """Write a graph as one ONNX file, and compare it with torch for one face and for several.

    Args:
        graph: the graph.
        path: path of the file.
        card: JSON object stored in the file (`read_graph_card`).

    Returns:
        the largest difference of an output from torch.

    Raises:
        ConfigError: the extra `onnx` is not installed.
        DataError: an output differs from torch by more than `TOLERANCE`.
    """
    needed("onnxscript")
    with write_aside(path) as aside, torch.no_grad():
        _convert(graph, aside)
        _describe(graph, aside, card)
        worst = difference(graph, open_graph(aside))
        if not worst <= TOLERANCE:
            raise DataError(
                f"the outputs of the ONNX graph differ from torch by {worst:.2g}",
                "export without --onnx, and report this",
            )
    return worst


def _convert(graph: Graph, path: Path) -> None:
    batch = torch.export.Dim("batch", min=1)
    inputs = dict(sorted(graph.inputs.items()))  # the exporter may or may not sort them
    shapes = {name: {0: batch} for name in inputs}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own warnings
        # Done here, since the ONNX exporter would fall back to ways that fix the batch size.
        program = torch.export.export(graph.module, (inputs,), dynamic_shapes=(shapes,))
        torch.onnx.export(
            program,
            f=path,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(graph.outputs),
            external_data=False,
            verbose=False,
        )


def _describe(graph: Graph, path: Path, card: Mapping[str, Any]) -> None:
    onnx = needed("onnx")
    model = onnx.load(path)
    for value in (*model.graph.input, *model.graph.output):
        value.doc_string = graph.about[value.name]
    model.metadata_props.add(key=_KEY, value=json.dumps(dict(card), ensure_ascii=False))
    onnx.checker.check_model(model)
    onnx.save(model, path)


def difference(graph: Graph, run: Run) -> float:
    """The largest difference between torch and `run` on a graph's examples.

    Integer outputs are not compared: they are decisions, which rounding may change in a tie.
    """
    several = dict(graph.inputs)
    one = {name: values[:1] for name, values in several.items()}
    return max(_difference(graph, run, given) for given in (several, one))


def _difference(graph: Graph, run: Run, given: Tensors) -> float:
    found = run(given)
    expected = graph.module(given)
    pairs = zip(graph.outputs, expected, strict=True)
    return max(
        float((found[name] - values).abs().max())
        for name, values in pairs
        if values.is_floating_point()
    )


def open_graph(path: Path) -> Run:
    """Open a graph with onnxruntime, on the CPU.

    Raises:
        ConfigError: the extra `onnx` is not installed.
        DataError: the file cannot be read; or, when it runs, its inputs are not those given.
    """
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of classes known only to its compiled code
        reason = str(error).splitlines()[0][:200]
        raise DataError(f"{path} is not a readable ONNX model: {reason}", _ANEW) from error
    inputs = [value.name for value in session.get_inputs()]
    outputs = [value.name for value in session.get_outputs()]

    def run(given: Tensors) -> Tensors:
        # A graph of another version may lack an input, and would compute something else.
        if set(given) != set(inputs):
            expected, own = (", ".join(sorted(names)) for names in (given, inputs))
            raise DataError(f"{path} has the inputs {own} instead of {expected}", _ANEW)
        found = session.run(outputs, {name: given[name].float().numpy() for name in inputs})
        return dict(zip(outputs, map(torch.from_numpy, found), strict=True))

    return run


_ANEW = "export the model again with `aukit export --onnx`"


def refuse_other_weights(path: Path, weights: str) -> None:
    """Refuse a graph that was made from other weights.

    Args:
        path: path of the graph.
        weights: SHA-256 of the weights.

    Raises:
        ConfigError: the extra `onnx` is not installed.
        DataError: it was made from other weights.
    """
    onnx = needed("onnx")
    found = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    if json.loads(found.get(_KEY, "{}")).get("weights") != weights:
        raise DataError(f"{path} was made from other weights than those beside it", _ANEW)


def needed(name: str) -> Any:
    """Import a module of the extra `onnx`.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ConfigError(
            f"{name} is not installed", "install it with: pip install 'aukit-facs[onnx]'"
        ) from error
