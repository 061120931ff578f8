"""Recording from FFmpeg's virtual device, which gives bare pixels as most cameras do."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aukit.progress import Silent
from aukit.vision.record import Live, record
from aukit.vision.video import Video

GREEN_THEN_RED = (
    "color=lime:size=64x48:rate=10:duration=1[a];color=red:size=64x48:rate=10:duration=1[b];"
    "[a][b]concat,format={pixels}"
)


def recorded(pixels: str, path: Path, seconds: float | None) -> tuple[list[float], torch.Tensor]:
    """Times and mean colours of what was recorded."""
    source = Live(GREEN_THEN_RED.format(pixels=pixels), "lavfi")
    with Silent().start("record") as bar:
        count = record(source, path, seconds, bar)
    with Video(path) as video:
        clips = list(video.batches())
    times = [time for clip in clips for time in clip.times]
    assert len(times) == count
    return times, torch.cat([clip.images for clip in clips]).float().mean((2, 3))


@pytest.mark.parametrize("pixels", ["yuv420p", "yuyv422", "rgb24"])
def test_bare_pixels_of_a_device(pixels: str, tmp_path: Path) -> None:
    times, colours = recorded(pixels, tmp_path / "recording.mkv", None)
    assert times == pytest.approx([number / 10 for number in range(20)], abs=2e-3)
    assert (colours[:10].argmax(1) == 1).all()
    assert (colours[10:].argmax(1) == 0).all()


def test_recording_ends_after_some_seconds(tmp_path: Path) -> None:
    times, _ = recorded("yuyv422", tmp_path / "recording.mkv", 0.5)
    assert len(times) == 5
