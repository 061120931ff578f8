"""Registers torchvision's classification networks as an estimator."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field
from typing import Literal

from aukit.components import Component
from aukit.estimation.options import FitOptions
from aukit.hooks import hookimpl
from aukit.published import METHOD, SIZE, inherited

DEFAULT, NARROW = "resnet18", "shufflenet_v2_x1_0"


@dataclass(frozen=True)
class TorchvisionConfig(FitOptions):
    """Options of the torchvision estimator."""

    backbone: str = field(
        default=DEFAULT,
        metadata={"role": SIZE, "help": "name of a classification network in torchvision.models"},
    )
    networks: Literal["per-au", "shared"] = inherited(FitOptions, "networks", "shared")
    labels: Literal["planned", "all"] = inherited(FitOptions, "labels", "all")
    lead_in: float = inherited(FitOptions, "lead_in", 0.33)
    decay: Literal["none", "cosine"] = inherited(FitOptions, "decay", "cosine")
    weights: str = field(
        default="none",
        metadata={
            "file": True,
            "role": METHOD,
            "weights": "none",
            "help": "initial weights: path of a .pth or .safetensors file for this backbone, or "
            "none",
        },
    )
    learning_rate: float = field(
        default=1e-4, metadata={"role": SIZE, "help": "learning rate of Adam"}
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        # The names are torchvision's own. It is imported only for names other than the defaults, so
        # that the help needs no torch.
        if self.backbone not in (DEFAULT, NARROW):
            _refuse_unknown(self.backbone)


def _refuse_unknown(backbone: str) -> None:
    try:
        from torchvision import models
    except ModuleNotFoundError:
        return  # the record's `requires` reports that, with a hint
    known = models.list_models(module=models)
    if backbone not in known:
        near = difflib.get_close_matches(backbone, known, n=3, cutoff=0.5)
        hint = f"did you mean {', '.join(near)}?" if near else f"known: {', '.join(known)}"
        raise ValueError(f"torchvision has no classification network '{backbone}'; {hint}")


QUICK = {
    "backbone": NARROW,
    "size": 64,
    "learning_rate": 1e-3,
    "epochs": 7,
    "ticks": 7,
    "batch": 16,
}


@hookimpl
def aukit_estimators() -> list[Component]:
    """The estimator."""
    return [
        Component(
            kind="estimator",
            name="torchvision",
            factory="aukit_torchvision.estimator:TorchvisionEstimator",
            config=TorchvisionConfig,
            summary="any classification network of torchvision, by name",
            presets={"quick": QUICK},
            requires=("torch", "torchvision"),
            tags=("needs-fit", "stochastic"),
            weights_licence="none needed; published weights by path, under their own licences",
            paper="torchvision maintainers and contributors, TorchVision, 2016",
        )
    ]
