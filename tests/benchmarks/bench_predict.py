"""What `aukit predict` costs beside landmarks alone: pytest -s tests/benchmarks/bench_predict.py

Both are measured in one process, in turn, so that whatever else the machine does falls on both. The
ratio of processor times counts all work; that of wall times also what runs side by side.
"""

from __future__ import annotations

import functools
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

import av
import numpy as np
import pytest
import skimage.data

from aukit import api
from aukit.config.choice import make
from aukit.contracts.executor import Executor
from aukit.media import model as models
from aukit.media.model import Model, open_model
from aukit.media.predict import Task, predict_files
from aukit.registry.loading import default_registry
from aukit.vision.film import BATCH_FRAMES, Film

FRAMES = 96
ROUNDS = 5


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face that wanders, 640 x 480."""
    path = tmp_path_factory.mktemp("bench") / "face.mp4"
    photo = np.pad(skimage.data.astronaut(), ((0, 0), (160, 160), (0, 0)), mode="edge")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 640, 480, "yuv420p"
        for number in range(FRAMES):
            left, top = 96 + int(60 * np.sin(number / 9)), int(16 + 15 * np.cos(number / 7))
            picture = np.ascontiguousarray(photo[top : top + 480, left : left + 640])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model("strangers", default_registry(), "cpu")


def landmarks_alone(model: Model, video: Path) -> None:
    film, finder = Film(video), make(model.landmarker, model.context)
    for start in range(0, FRAMES, BATCH_FRAMES):
        shots = [film.shot(n) for n in range(start, min(start + BATCH_FRAMES, FRAMES))]
        finder.detect([shot.image for shot in shots if shot.image is not None])
    film.close()


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Processor and wall time of some work, seconds."""
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - processor, time.perf_counter() - wall


@pytest.mark.parametrize("aligner", ["2d", "3d"])
def test_predict_beside_landmarks_alone(
    aligner: str, model: Model, video: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if aligner == "3d":
        # The estimator is of faces in 2D: its answers mean nothing here, and take as long.
        monkeypatch.setattr(models, "refuse_other_alignment", lambda *_: None)
        model = replace(model, aligner=api.choose("aligner", "3d"))
    executor: Executor = make(api.choose("executor", "inline"), model.context)

    def predict(number: int) -> None:
        (folder := tmp_path / str(number)).mkdir()
        predict_files(model, Task((str(video),)), folder, executor)

    ratios = []
    for number in range(ROUNDS + 1):
        alone = spent(lambda: landmarks_alone(model, video))
        whole = spent(functools.partial(predict, number))
        ratios.append([one / other for one, other in zip(alone, whole, strict=True)])
    processor, wall = (median(column) for column in zip(*ratios[1:], strict=True))
    told = (
        f"{aligner}: {processor:.2f} of landmarks alone in processor time, {wall:.2f} in wall time"
    )
    sys.stdout.write(f"\n{told}\n")
