"""Contact sheets: every picture in its place, whole and in proportion."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from aukit.vision.sheet import contact_sheet

TILE, GAP, LINE = 32, 4, 14


def plain(level: int, height: int, width: int) -> torch.Tensor:
    return torch.full((3, height, width), level, dtype=torch.uint8)


def test_pictures_lie_row_by_row_and_missing_ones_are_grey() -> None:
    images = [plain(0, 8, 8), None, plain(90, 8, 8)]
    sheet = contact_sheet(images, ["a", "b", "c"], tile=TILE, columns=2)
    assert tuple(sheet.shape) == (3, 2 * (TILE + GAP + LINE) + GAP, 2 * (TILE + GAP) + GAP)
    middle = GAP + TILE // 2
    assert sheet[:, middle, middle].tolist() == [0, 0, 0]
    assert sheet[:, middle, middle + TILE + GAP].tolist() == [225, 225, 225]
    assert sheet[:, middle + TILE + GAP + LINE, middle].tolist() == [90, 90, 90]


def test_proportions_are_kept() -> None:
    sheet = contact_sheet([plain(0, 10, 40)], [""], tile=TILE)
    black = (sheet[0] == 0).nonzero()
    height, width = (black.amax(0) - black.amin(0) + 1).tolist()
    assert (height, width) == (8, 32)


def test_letters_that_the_font_lacks_are_replaced() -> None:
    image = plain(0, 8, 8)
    accented, plainly = (
        contact_sheet([image], [name], tile=160)
        for name in ("Müller \N{CJK UNIFIED IDEOGRAPH-4EBA}.png", "Muller ?.png")
    )
    assert torch.equal(accented, plainly)


def test_a_long_caption_does_not_run_into_the_next_picture() -> None:
    images = [plain(0, 8, 8), plain(0, 8, 8)]
    long = contact_sheet(images, ["a caption that is much too long for it", ""], tile=TILE)
    words = long[:, GAP + TILE :, GAP + TILE : 2 * GAP + TILE]
    assert (words == 255).all()
    assert (long[:, GAP + TILE :, : GAP + TILE] < 128).any()


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 3))
def test_any_number_of_pictures_fits(count: int, columns: int, lines: int) -> None:
    captions = ["\n".join(["x"] * lines)] * count
    sheet = contact_sheet([plain(0, 5, 5)] * count, captions, tile=8, columns=columns)
    across = min(columns, count)
    rows = -(-count // across)
    assert sheet.shape[2] == across * (8 + GAP) + GAP
    assert sheet.shape[1] == rows * (8 + GAP + lines * LINE) + GAP
