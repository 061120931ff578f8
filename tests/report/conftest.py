"""A report with something in every section."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from aukit.contracts.context import Context
from aukit.data import records
from aukit.report import (
    Choice,
    Curve,
    Distribution,
    ImageGroup,
    Licence,
    Partition,
    ReportData,
    Setting,
    Stage,
)
from aukit.report.estimates import Curves, EstimatesPage
from aukit.scoring.scores import score_predictions
from aukit_scores.intensity import Intensity
from aukit_scores.plugin import IntensityConfig

AUS = ("AU01", "AU04", "AU06", "AU12", "AU17", "AU25")
HOSTILE = "<script>alert('x')</script> & \"quoted\""


def predictions(people: int = 6, length: int = 120, aus: tuple[str, ...] = AUS) -> pa.Table:
    """Sequences in which AUs rise and fall, with noisy estimates and some gaps."""
    random = np.random.default_rng(4)
    count = people * length
    time = np.tile(np.arange(length) / 25, people)
    columns: dict[str, Any] = {
        "id": [f"avatars/test/p{i // length}/t{i % length}" for i in range(count)],
        "dataset": ["avatars"] * count,
        "partition": ["test"] * count,
        "subject": [f"p{i // length}" for i in range(count)],
        "task": [f"smile{i // length}" for i in range(count)],
        "view": ["frontal" if (i // length) % 2 else "-20,40" for i in range(count)],
        "frame": np.tile(np.arange(length), people),
        "time_s": time,
    }
    for place, name in enumerate(aus):
        phase = random.random() * 6
        truth = np.clip(np.rint(3.2 * np.sin(time * (0.7 + 0.2 * place) + phase) + 0.8), 0, 5)
        estimate = np.clip(0.8 * truth + 0.3 + random.normal(0, 0.5, count), 0, 5)
        gap = (np.arange(count) % length > 70) & (np.arange(count) % length < 80)
        columns[name] = pa.array(truth.astype(np.float32), mask=gap & (place == 1))
        columns[f"{name}_predicted"] = estimate.astype(np.float32)
        columns[f"{name}_level"] = np.rint(estimate).astype(np.int8)
    return pa.table(columns, schema=records.prediction_schema(aus))


@pytest.fixture(scope="session")
def make_predictions() -> Callable[..., pa.Table]:
    """`predictions`, for tests that want them of another size."""
    return predictions


def picture(seed: int) -> bytes:
    shade = np.linspace(0, 255, 64, dtype=np.uint8)[None].repeat(64, 0)
    pixels = np.stack([shade, np.roll(shade, 8 * seed, 1), shade.T], axis=-1)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(scope="session")
def full() -> ReportData:
    """Everything that a report can show."""
    random = np.random.default_rng(0)
    table = predictions()
    before = (np.array([60_000, 4_000, 900, 150, 12, 1]) * random.random((6, 1)) + 1).astype(int)
    before[3, 5] = 0
    steps = list(range(0, 600, 10))
    return ReportData(
        title="aukit run: avatars, 2d, vgg16",
        command="aukit run --data avatars --aligner 2d --balancer resample --seed 0",
        typed="aukit run --seed 0",
        run_file='seed = 0  # command line\n\n[data]\nname = "avatars"  # default\n',
        summary={"run": "runs/20261121-0300", "started": "2026-11-21 03:00", "took": "3 min 12 s"},
        notes=["AU12: no training frame at level 5; nothing stands in for it"],
        choices=[
            Choice("data", "aukit-facs/avatars", "0.1.0", "default", "people who do not exist"),
            Choice("metric", "aukit-facs/intensity", "0.1.0", "default", "ICC and others"),
            Choice("estimator", "aukit-facs/vgg16", "0.1.0", "command line", "VGG16, six levels"),
        ],
        settings=[
            Setting("vgg16", "lr", "5e-05", "default"),
            Setting("run", "seed", "0", "run.toml"),
        ],
        stages=[Stage("align", 41.2), Stage("fit-estimator", 120.9), Stage("render", 80, True)],
        partitions=[
            Partition("train", 24, 2400, 2391, {"no face found": 7, "unreadable image": 2}, ["a"]),
            Partition("test", 12, 1200, 1200),
        ],
        distribution=Distribution(AUS, before, np.where(before > 0, 500, 0)),
        images=[
            ImageGroup("Aligned faces", [(picture(i), f"p{i} frame {i}") for i in range(12)], "2d")
        ],
        scores=score_predictions(table, [Intensity(IntensityConfig(), Context())], draws=200),
        predictions=table,
        curves=[
            Curve("estimator", "loss", steps, [1.8 * np.exp(-s / 200) + 0.2 for s in steps]),
            Curve(
                "estimator",
                "valid_icc",
                steps[::6],
                [0.7 - 0.6 * np.exp(-s / 150) for s in steps[::6]],
            ),
        ],
        environment={"python": "3.11.9", "torch": "2.6.0", "machine": "2 cores"},
        licences=[Licence("aukit-facs/vgg16", "Apache-2.0", "Niinuma et al. 2021", "CC-BY-4.0")],
    )


@pytest.fixture(scope="session")
def estimates() -> EstimatesPage:
    """A long video of one person, photos of others, and a model with a card."""
    seconds = np.arange(3000) / 25
    values = 2.5 + 2.5 * np.sin(seconds[:, None] * np.array([0.3, 0.1]))
    values[500:700] = np.nan
    return EstimatesPage(
        title=f"AUs of {HOSTILE}",
        facts={"model": "strangers", "faces with estimates": "2,800"},
        notes=["Only the 12 faces seen most of 20 are drawn."],
        aus=("AU12", "AU45"),
        tops={"AU12": 5.0, "AU45": 1.0},
        people=[Curves(HOSTILE, seconds, values * [1, 0.2], timed=True)],
        peaks={HOSTILE: [(picture(n), f"{n} s, frame 1: AU12 4.3") for n in range(3)]},
        photos=[(picture(n), "me.jpg: AU12 2.1") for n in range(2)],
        missing=[("no face", 200, "a" * 120 + ".mp4")],
        scores={},
        card="# Card\n\n" + "x" * 300,
    )
