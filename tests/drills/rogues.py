"""Components that keep their contract but for one method, which does one thing wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import tiny_plugin as tiny
import torch
from torch import Tensor

from aukit.components import Component
from aukit.contracts.context import Context
from aukit.contracts.estimator import Prediction
from aukit.contracts.faces import FaceBatch
from aukit.registry.loading import Plugin, Registry

NAME = "rogue"


@dataclass(frozen=True)
class RogueConfig:
    """Options of every rogue."""

    method: str = ""
    fault: str = ""


class NoTextError(Exception):
    """An exception whose text cannot be made."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


RAISED: dict[str, Callable[[], BaseException]] = {
    "ValueError": lambda: ValueError("wrong"),
    "no text": NoTextError,
    "sys.exit(0)": lambda: SystemExit(0),
    "GeneratorExit": GeneratorExit,
    "KeyboardInterrupt": KeyboardInterrupt,
    "EOFError": EOFError,
    "StopIteration": StopIteration,
    "panic": lambda: BaseException("panicked at src/lib.rs"),
    "MemoryError": MemoryError,
    "RecursionError": RecursionError,
}


def _change(found: Any, change: Callable[[Tensor], Tensor], name: str = "") -> Any:
    """A result with one of its tensors changed: itself, or that of a field."""
    if isinstance(found, Tensor):
        return change(found)
    if dataclasses.is_dataclass(found) and not isinstance(found, type):
        return replace(found, **{name: change(getattr(found, name))})
    return [_change(each, change, name) for each in found]


def _nan(values: Tensor) -> Tensor:
    return torch.full_like(values, torch.nan, dtype=torch.float32)


RETURNED: dict[str, Callable[[Any], Any]] = {
    "None": lambda found: None,
    "a dictionary": lambda found: {},
    "text": lambda found: "done",
    "one too few": lambda found: found[:-1],
    "one too many": lambda found: [*found, found[-1]],
    "no results": lambda found: islice(found, 0),
    "floats": lambda found: found.float(),
    "another size": lambda found: found[..., :-1],
    "not finite": _nan,
    "float mask": lambda found: _change(found, Tensor.float, "valid"),
    "floating images": lambda found: _change(found, Tensor.float, "images"),
    "landmarks not finite": lambda found: _change(found, _nan, "landmarks"),
    "transforms not finite": lambda found: _change(found, _nan, "transforms"),
    "landmarks of another shape": lambda found: _change(found, lambda t: t[:, :5], "landmarks"),
    "reasons of another length": lambda found: replace(found, reasons=()),
    "flat boxes": lambda found: _change(found, Tensor.flatten, "boxes"),
    "intensity not finite": lambda found: _change(found, _nan, "intensity"),
    "intensity of 99": lambda found: _change(found, lambda t: t + 99, "intensity"),
    "levels as floats": lambda found: _change(found, Tensor.float, "level"),
    "a column less": lambda found: found.drop_columns([found.column_names[0]]),
    "no score": lambda found: dict(list(found.items())[1:]),
    "an object": lambda found: {"object": object()},
    "pictures missing": lambda found: (replace(f, images=f.images[1:]) for f in found),
    "half a picture": lambda found: (
        replace(f, images=tuple(i if i is None else i[0] for i in f.images)) for f in found
    ),
}
ANY = ("None", "a dictionary", "text")

WRONG: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "data": {
        "index": (*ANY, "a column less"),
        "read": (*ANY, "no results", "pictures missing", "half a picture"),
    },
    "landmarker": {"detect": (*ANY, "one too few", "one too many", "flat boxes")},
    "aligner": {
        "align": (
            *ANY, "float mask", "floating images", "landmarks not finite", "transforms not finite",
            "landmarks of another shape", "reasons of another length",
        ),
        "describe": ("None", "text", "an object"),
    },
    "synth": {
        "fit": (),
        "synthesize": (*ANY, "one too few", "floats", "another size"),
        "save": (),
    },
    "balancer": {"plan": (*ANY, "a column less")},
    "normalizer": {
        "fit": (),
        "apply": (*ANY, "one too few", "another size", "not finite"),
        "save": (),
    },
    "estimator": {
        "fit": (),
        "predict": (*ANY, "intensity not finite", "intensity of 99", "levels as floats"),
        "save": (),
    },
    "metric": {"terms": (*ANY, "another size", "floats"), "value": ("None", "text", "no score")},
    "executor": {"map": (*ANY[:1], "no results")},
}  # fmt: skip
"""Kind -> method -> the wrong results that are tried beside all of `RAISED`."""


class Constant:
    """An estimator that always says the same."""

    def __init__(self, config: Any, context: Context) -> None:
        self.aus: tuple[str, ...] = tiny.AUS

    def fit(self, train: Any, valid: Any, session: Any) -> None:
        train.faces.batch([0])

    def predict(self, faces: FaceBatch) -> Prediction:
        zeros = torch.zeros(len(faces), len(self.aus))
        return Prediction(zeros, zeros.long())

    def save(self, folder: Path) -> None:
        tiny.save_model(folder, {"nothing": torch.zeros(1)}, {"aus": list(self.aus)})

    def load(self, folder: Path) -> None:
        self.aus = tuple(tiny.load_card(folder)["aus"])


def _rogue(kind: str, base: type[Any], config: Any) -> type[Any]:
    def start(self: Any, given: RogueConfig, context: Context) -> None:
        base.__init__(self, config, context)
        self.given = given

    def method(name: str) -> Callable[..., Any]:
        def wrong(self: Any, *arguments: Any, **named: Any) -> Any:
            if self.given.method == name and self.given.fault in RAISED:
                raise RAISED[self.given.fault]()
            found = getattr(base, name)(self, *arguments, **named)
            if self.given.method == name:
                return RETURNED[self.given.fault](found)
            return found

        return wrong

    return type(
        "Rogue", (base,), {"__init__": start, **{name: method(name) for name in WRONG[kind]}}
    )


def registry() -> Registry:
    """The tiny components, and a rogue of each kind."""
    found = tiny.registry()
    bases = {
        "data": (tiny.Drawn, tiny.DrawnConfig(people=2, frames=6)),
        "landmarker": (tiny.Everywhere, tiny.NoConfig()),
        "aligner": (tiny.Centre, tiny.CentreConfig()),
        "synth": (tiny.Brush, tiny.NoConfig()),
        "balancer": (tiny.Paints, tiny.NoConfig()),
        "normalizer": (tiny.MeanFace, tiny.NoConfig()),
        "estimator": (Constant, None),
    }
    for kind, name in (("metric", "intensity"), ("executor", "inline")):
        component = found.find(kind, name)
        bases[kind] = (component.load(), component.config())
    plugin = Plugin("rogues", "6.6", "rogues")
    for kind, (base, config) in bases.items():
        globals()[f"rogue_{kind}"] = _rogue(kind, base, config)
        factory = f"{__name__}:rogue_{kind}"
        plugin.components.append(
            Component(
                kind,
                NAME,
                factory,
                RogueConfig,
                "does one thing wrong",
                distribution="rogues",
                version="6.6",
            )
        )
    found.plugins.append(plugin)
    return found
