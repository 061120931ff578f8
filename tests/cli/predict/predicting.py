"""Pictures, videos and calls that the tests of `aukit predict` share."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import numpy as np
import pandas
import pytest
from torch import Tensor

from aukit.cli.main import main
from aukit.vision.images import encode

TINY = Path(__file__).parents[2] / "end_to_end" / "tiny_plugin.py"
SMALL = {
    "preset": "quick", "device": "cpu", "data": "drawn", "landmarker": "everywhere",
    "aligner": "centre", "data.people": 2, "data.frames": 12, "balancer.per_level": 3, "draws": 20,
    "card": 0, "executor": "inline", "estimator": "vgg16", "estimator.size": 32,
    "estimator.width": 0.125,
    "estimator.epochs": 1, "estimator.ticks": 1, "normalizer": "mean-texture",
}  # fmt: skip
Capture = pytest.CaptureFixture[str]
Shown = dict[tuple[str, int], Tensor]


def finished(output: Path, **changes: object) -> Path:
    """The folder of a run with the tiny components."""
    from aukit.config.resolve import nest, resolve
    from aukit.pipeline.execute import execute

    sys.path.insert(0, str(TINY.parent))
    import tiny_plugin

    registry = tiny_plugin.registry()
    settings = {**SMALL, **{key.replace("__", "."): value for key, value in changes.items()}}
    return execute(resolve(registry, [("test", nest(settings))]), output, registry).folder


def save_picture(path: Path, image: Tensor) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(image[None])[0])
    return path


def save_pictures(folder: Path, shown: Shown) -> Path:
    """A folder of pictures for each person."""
    for (subject, frame), image in shown.items():
        save_picture(folder / subject / f"{frame:03d}.png", image)
    return folder


def save_video(path: Path, images: list[Tensor]) -> Path:
    """A video that loses nothing."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.height, stream.width = images[0].shape[1:]
        stream.pix_fmt = "bgr0"
        for image in images:
            pixels = image.permute(1, 2, 0).contiguous().numpy()
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def save_videos(folder: Path, shown: Shown) -> list[Path]:
    """A video for each person."""
    folder.mkdir(exist_ok=True)
    people = sorted({subject for subject, _ in shown})
    return [
        save_video(folder / f"{who}.mkv", [i for (name, _), i in shown.items() if name == who])
        for who in people
    ]


def call(output: Path, *words: object) -> int:
    return main(["predict", "-o", str(output), "--device", "cpu", *map(str, words)])


def predict(output: Path, *words: object) -> pandas.DataFrame:
    assert call(output, *words) == 0
    return pandas.read_parquet(output / "predictions.parquet")


def of_pictures(table: pandas.DataFrame) -> pandas.DataFrame:
    """Estimates by person and frame, which the names of the files tell."""
    paths = table["file"].map(Path)
    frames = paths.map(lambda path: int(path.stem))
    return table.assign(subject=paths.map(lambda path: path.parent.name), frame=frames)


def of_videos(table: pandas.DataFrame) -> pandas.DataFrame:
    return table.assign(subject=table["file"].map(lambda name: Path(name).stem))


def assert_as_in_the_run(table: pandas.DataFrame, run: Path) -> None:
    found = table.set_index(["subject", "frame"])
    own = pandas.read_parquet(run / "predictions.parquet").set_index(["subject", "frame"])
    assert len(found) == len(own) == 24
    for au in ("AU01", "AU12"):
        wanted = own.loc[found.index]
        np.testing.assert_allclose(found[f"{au}_predicted"], wanted[f"{au}_predicted"], atol=1e-5)
        assert (found[f"{au}_level"] == wanted[f"{au}_level"]).all()


def refused(capsys: Capture, output: Path, *words: object) -> str:
    """The one line, and perhaps a hint, that is told instead of a result."""
    assert call(output, *words) in (2, 4)
    lines = [line for line in capsys.readouterr().err.splitlines() if "done" not in line]
    assert len(lines) <= 2, lines
    return " ".join(lines)
