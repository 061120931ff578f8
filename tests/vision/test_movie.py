"""Films: as many frames as there were, near enough to them, and never half-written."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
import torch
from PIL import Image
from torch import Tensor

from aukit.vision.movie import write_movie


def gradients(count: int, height: int, width: int) -> Tensor:
    """Smooth pictures that become brighter."""
    across = torch.linspace(40, 120, width).expand(3, height, width)
    return torch.stack([across + 10 * n for n in range(count)]).to(torch.uint8)


def decoded(path: Path) -> Tensor:
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    return torch.stack([torch.from_numpy(frame).permute(2, 0, 1) for frame in frames])


@pytest.mark.parametrize("name", ["film.gif", "film.mp4", "FILM.MP4"])
def test_frames_come_back(name: str, tmp_path: Path) -> None:
    frames = gradients(7, 48, 64)
    write_movie(tmp_path / name, iter(frames))
    found = decoded(tmp_path / name)
    assert tuple(found.shape) == (7, 3, 48, 64)
    assert (found.float() - frames.float()).abs().mean() < 5
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_sides_of_mp4_are_made_even(tmp_path: Path) -> None:
    write_movie(tmp_path / "odd.mp4", gradients(3, 33, 45))
    assert tuple(decoded(tmp_path / "odd.mp4").shape) == (3, 3, 34, 46)


def test_gif_plays_for_ever_at_its_rate(tmp_path: Path) -> None:
    write_movie(tmp_path / "film.gif", gradients(4, 16, 16), rate=10)
    with Image.open(tmp_path / "film.gif") as image:
        assert image.info["loop"] == 0
        assert image.info["duration"] == 100
        assert image.n_frames == 4


def test_a_film_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def frames() -> object:
        yield gradients(1, 16, 16)[0]
        raise RuntimeError("the painter fell off the ladder")

    for name in ("film.gif", "film.mp4"):
        with pytest.raises(RuntimeError, match="ladder"):
            write_movie(tmp_path / name, frames())  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
