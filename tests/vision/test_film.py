"""Frames of a video by number: in order, from a leap, and beyond the end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from aukit.vision import film as film_module
from aukit.vision.film import ENDED, MISSING_FRAME, Film, count_frames, shots_of
from aukit.vision.movie import write_movie
from aukit.vision.video import Video, time_stamps

FRAMES = 90


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Frame n is grey level 2 n, so that a picture tells its own number."""
    found = tmp_path_factory.mktemp("film") / "film.mp4"
    write_movie(found, (torch.full((3, 32, 32), 2 * n, dtype=torch.uint8) for n in range(FRAMES)))
    return found


def number_of(image: torch.Tensor | None) -> float:
    assert image is not None
    return float(image.float().mean()) / 2


def test_frames_are_what_their_numbers_say_wherever_one_starts(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_module, "FAR", 10)
    order = [*range(0, 5), 40, 41, 42, 7, 8, 89, 30]
    film = Film(path)
    found = [number_of(film.shot(number).image) for number in order]
    np.testing.assert_allclose(found, order, atol=2)
    whole = Film(path)
    straight = {number: whole.shot(number).image for number in range(FRAMES)}
    for number in order:
        assert torch.equal(Film(path).shot(number).image, straight[number])


def test_a_segment_is_decoded_without_what_lies_before_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(film_module, "FAR", 10)
    opened: list[int] = []

    class Counted(Video):
        def leap(self, *arguments: object) -> None:
            opened.append(1)
            super().leap(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(film_module, "Video", Counted)
    film = Film(path)
    for number in range(60, 90):
        film.shot(number)
    assert len(opened) == 1


def test_frames_of_a_video_by_numbers_in_one_call(path: Path, tmp_path: Path) -> None:
    numbers = [0, 3, 6, 60, 61, FRAMES + 7, 12]
    shots = list(shots_of(path, numbers, every=3))
    assert [shot.reason for shot in shots] == [None] * 4 + [MISSING_FRAME, ENDED, None]
    film = Film(path)
    for number, shot in zip(numbers, shots, strict=True):
        if shot.image is not None:
            assert torch.equal(shot.image, film.shot(number).image)
    (tmp_path / "bad.mp4").write_bytes(b"nothing of the sort")
    assert [shot.image for shot in shots_of(tmp_path / "bad.mp4", [0, 1])] == [None, None]


def test_beyond_the_end_is_a_reason(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(film_module, "FAR", 10)
    film = Film(path)
    assert film.shot(FRAMES).reason == ENDED
    assert film.shot(FRAMES + 500).reason == ENDED
    assert number_of(film.shot(3).image) == pytest.approx(3, abs=2)


def test_stamps_count_the_frames(path: Path) -> None:
    stamps = time_stamps(path)
    assert stamps is not None
    assert sorted(stamps.values()) == list(range(FRAMES))
    assert count_frames(path)[0] == FRAMES


def test_a_file_that_is_no_video_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"nothing of the sort")
    shot = Film(tmp_path / "bad.mp4").shot(0)
    assert shot.image is None
    assert shot.reason is not None
    assert shot.reason.startswith("cannot read video")
    assert time_stamps(tmp_path / "bad.mp4") is None
