"""The components used when none is named; the only table of such names."""

from __future__ import annotations

from collections.abc import Mapping

RUN: Mapping[str, str | None] = {
    "data": "avatars",
    "landmarker": None,
    "aligner": "2d",
    "synth": None,
    "balancer": "resample",
    "normalizer": None,
    "estimator": "features",
    "metric": "intensity",
    "judge": "auto",
    "executor": "auto",
}
"""Kind -> default component of a run; None: the step is left out."""

OWN_FILES: Mapping[str, str] = {"landmarker": "mediapipe", "executor": "inline"}
"""Kind -> default component for the user's own pictures, which come without landmarks."""

PHOTOGRAPHS = "photographs"
"""Tag of datasets in whose pictures landmarks are detected unless a run says otherwise."""

BESIDE: Mapping[str, Mapping[str, str]] = {
    "balancer": {"synth": "semantic"},
    "landmarker": {PHOTOGRAPHS: OWN_FILES["landmarker"]},
}
"""Kind -> other kind, or tag of a component -> default component of a run that has it."""

PUBLISHED: Mapping[str, tuple[str, str]] = {
    "estimator": ("vgg16", "Niinuma et al. 2021, section 4.2.2"),
}
"""Kind -> component of the papers and its source, where the default is another."""

YARDSTICK = "landmarks"
"""Estimator whose scores stand beside those of every run."""

MODEL = "strangers"
"""Default model for the user's own pictures."""

ALIGN: Mapping[str, str] = {"aligner": "2d", **OWN_FILES}
EDIT: Mapping[str, str] = {"landmarker": OWN_FILES["landmarker"]}
FIT_ALIGNER: Mapping[str, str] = {"aligner": "prnet", "data": "avatars-wild"}
