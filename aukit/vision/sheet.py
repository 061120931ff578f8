"""Contact sheets: many small pictures with a line of text each, on one."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_LINE = 14
_GAP = 4
_PAPER, _INK, _MISSING = (255, 255, 255), (30, 30, 30), (225, 225, 225)


def contact_sheet(
    images: Sequence[Tensor | None],
    captions: Sequence[str],
    tile: int = 160,
    columns: int = 8,
) -> Tensor:
    """Tile pictures.

    Args:
        images: uint8 (3, H, W) of any sizes; None leaves a grey field.
        captions: a few lines for each picture.
        tile: side of the square that each picture is fitted into, pixels.
        columns: pictures per row.

    Returns:
        uint8 (3, height, width).
    """
    lines = max((caption.count("\n") + 1 for caption in captions), default=1)
    columns = max(1, min(columns, len(images)))
    rows = -(-len(images) // columns)
    cell = (tile + _GAP, tile + _GAP + lines * _LINE)
    sheet = Image.new("RGB", (columns * cell[0] + _GAP, rows * cell[1] + _GAP), _PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_LINE - 3)
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(number, columns)
        corner = (column * cell[0] + _GAP, row * cell[1] + _GAP)
        _paste(sheet, image, corner, tile)
        text = "\n".join(_fitted(_plain(line), font, tile) for line in caption.split("\n"))
        draw.multiline_text((corner[0], corner[1] + tile), text, _INK, font, spacing=2)
    return torch.from_numpy(np.array(sheet)).permute(2, 0, 1).contiguous()


def _paste(sheet: Image.Image, image: Tensor | None, corner: tuple[int, int], tile: int) -> None:
    if image is None:
        sheet.paste(Image.new("RGB", (tile, tile), _MISSING), corner)
        return
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().cpu().numpy())
    scale = tile / max(picture.size)
    width, height = (max(1, round(side * scale)) for side in picture.size)
    fitted = picture.resize((width, height), Image.Resampling.LANCZOS)
    sheet.paste(fitted, (corner[0] + (tile - width) // 2, corner[1] + (tile - height) // 2))


def _plain(line: str) -> str:
    """The line in letters that the font has: without accents, and ? for other scripts."""
    parts = unicodedata.normalize("NFKD", line)
    letters = "".join(part for part in parts if not unicodedata.combining(part))
    return letters.encode("ascii", "replace").decode("ascii")


def _fitted(line: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    """The line, cut so that it does not run into the next picture."""
    while line and font.getlength(line) > width:
        line = line.removesuffix("…")[:-1] + "…" if len(line) > 1 else ""
    return line
