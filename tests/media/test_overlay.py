"""A video drawn again with its estimates."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pyarrow as pa
import pytest

from aukit.data.records import estimate_schema
from aukit.errors import ConfigError
from aukit.media.overlay import PANEL, check_overlay, write_overlay
from aukit.progress import Silent

SIDE = 96
FRAMES = 6


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Six grey frames."""
    path = tmp_path / "grey.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "bgr0"
        grey = np.full((SIDE, SIDE, 3), 90, np.uint8)
        for _ in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())
    return path


def table(video: Path) -> pa.Table:
    """A face whose AU12 grows; none in the last frame."""
    box = {"left": 20.0, "top": 20.0, "right": 70.0, "bottom": 70.0, "face": 0, "status": "ok"}
    rows = [
        {**box, "id": f"{n}", "file": str(video), "frame": n, "AU12_predicted": float(n)}
        for n in range(FRAMES)
    ]
    rows[-1].update(status="dropped", reason="no face", AU12_predicted=None)
    return pa.Table.from_pylist(rows, schema=estimate_schema(("AU12",)))


def blue(pixels: np.ndarray) -> np.ndarray:
    """How much bluer than red each pixel is."""
    return pixels[..., 2].astype(int) - pixels[..., 0]


def test_boxes_and_bars_show_what_was_estimated(video: Path, tmp_path: Path) -> None:
    path = tmp_path / "seen.mp4"
    write_overlay(video, table(video), 1, path, Silent())
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert float(container.streams.video[0].average_rate) == 10
    assert len(frames) == FRAMES
    assert frames[0].shape[1] == SIDE + PANEL
    for frame in frames[:-1]:
        assert blue(frame[20:22, 25:65]).mean() > 60  # the upper side of the box
        assert abs(blue(frame[40:50, 40:50]).mean()) < 20
    assert abs(blue(frames[-1][20:22, 25:65]).mean()) < 20
    bars = [int((blue(frame[4:20, SIDE + 50 :]) > 100).sum()) for frame in frames]
    assert bars[0] < bars[1] < bars[2] < bars[3] < bars[4]
    assert bars[5] == 0


def test_one_video_and_an_mp4(video: Path) -> None:
    assert check_overlay([str(video)], Path("x.mp4")) == video
    with pytest.raises(ConfigError, match="overlays are written as"):
        check_overlay([str(video)], Path("x.avi"))
    for inputs in (["photo.png"], [str(video), str(video)]):
        with pytest.raises(ConfigError, match="needs exactly one video"):
            check_overlay(inputs, Path("x.mp4"))
