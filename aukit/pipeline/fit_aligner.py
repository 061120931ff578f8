"""Fits the weights of an aligner outside any run, for `aukit fit aligner`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aukit.config.choice import Choice, make, named
from aukit.contracts.aligner import FitsAligner
from aukit.contracts.context import Context
from aukit.contracts.dataset import KnowsMesh
from aukit.contracts.session import Session
from aukit.data.records import TRAIN, VALID, check_index, partition_rows
from aukit.errors import ConfigError
from aukit.machine.processes import distributed
from aukit.progress import Progress
from aukit.store.files import ensure_writable
from aukit.store.owned import remember

ASKED = "fit.json"
TRAINING = "training"
MINUTE = 60.0


@dataclass(frozen=True)
class Fit:
    """A fit of an aligner on a dataset.

    Attributes:
        fitter: the `Component.fitter()` component, with the options of the fit.
        data: a dataset that provides meshes.
        context: device and seed.
    """

    fitter: Choice
    data: Choice
    context: Context

    def to_json(self) -> dict[str, Any]:
        """Everything that determines the result."""
        seed = self.context.seed
        return {"aligner": self.fitter.to_json(), "data": self.data.to_json(), "seed": seed}


def fit_aligner(fit: Fit, folder: Path, progress: Progress) -> Path:
    """Fit an aligner's weights on the training people of a dataset.

    If interrupted, the same call continues.

    Args:
        fit: the aligner and the dataset.
        folder: receives the weights, and a folder `training` with checkpoints.
        progress: shows progress.

    Returns:
        path of the weights, as accepted by the aligner's options.

    Raises:
        ConfigError: the dataset has no meshes, or the folder holds another fit.
    """
    dataset = make(fit.data, fit.context)
    if not isinstance(dataset, KnowsMesh):
        raise ConfigError(
            f"dataset '{fit.data.component.name}' has no meshes of its pictures",
            "fit aligners on a dataset that has them, such as avatars-wild",
        )
    fitter: FitsAligner = make(fit.fitter, fit.context)
    remember(folder / ASKED, fit.to_json(), "the fit")
    ensure_writable(folder / TRAINING)
    with named(fit.data, "index"):
        index = dataset.index()  # type: ignore[attr-defined]
    check_index(index)
    session = Session(
        folder / TRAINING,
        fit.context.device,
        fit.context.seed,
        progress,
        checkpoint_every=MINUTE,
        compile=getattr(fit.fitter.options, "compile", False),
    )
    with named(fit.fitter, "fit"), distributed(session.device):
        train, valid = (partition_rows(index, name) for name in (TRAIN, VALID))
        fitter.fit(dataset, train, valid, session)
        return fitter.save(folder)
