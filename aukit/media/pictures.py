"""Registered faces as pictures: one PNG file per face, and a contact sheet."""

from __future__ import annotations

import heapq
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aukit.faces.pictures import decode
from aukit.seeds import seed_of
from aukit.store.files import file_name, write_aside
from aukit.store.owned import Output, any_entry
from aukit.vision.images import encode
from aukit.vision.sheet import contact_sheet

SHOWN = 48
"""Faces on the overview."""


class Overview:
    """A reproducible uniform sample from a stream of faces of unknown length.

    Args:
        seed: seed of the sample.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._count = 0
        self._drawn: list[tuple[int, int, bytes, str]] = []

    def offer(self, row: Mapping[str, Any]) -> None:
        """Offer a face; those with the largest random keys are kept."""
        self._count += 1
        entry = (seed_of(self._seed, row["id"]), self._count, row["image"], caption(row))
        push = heapq.heappush if len(self._drawn) < SHOWN else heapq.heappushpop
        push(self._drawn, entry)

    def write(self, path: Path) -> None:
        """Draw the contact sheet."""
        chosen = sorted(self._drawn, key=lambda entry: entry[1])
        faces = decode([image for _, _, image, _ in chosen]).unbind()
        sheet = contact_sheet(faces, [caption for *_, caption in chosen])
        with write_aside(path) as aside:
            aside.write_bytes(encode(sheet[None])[0])


def caption(row: Mapping[str, Any]) -> str:
    """File, frame, face and view."""
    place = "" if row["frame"] is None else f" #{row['frame']}"
    face = f" face {row['face']}" if row["face"] else ""
    view = f" {row['view']}" if row["view"] else ""
    return f"{Path(row['subject']).name}{place}{face}{view}"


class PictureFolder:
    """Faces as PNG files, written aside so that no old ones of aukit remain among them.

    Args:
        output: the output folder.
        name: name of its subfolder of pictures.
        work: an existing working folder.
    """

    def __init__(self, output: Output, name: str, work: Path) -> None:
        self._output = output
        self._folder = output.folder / name
        self._aside = work / name
        self._names: list[str] = []
        shutil.rmtree(self._aside, ignore_errors=True)

    def add(self, row: Mapping[str, Any]) -> None:
        """Write one face, named after its file, frame and number."""
        self._aside.mkdir(exist_ok=True)
        parts = [] if row["frame"] is None else [str(row["frame"])]
        parts += [str(row["face"])] if row["face"] else []
        parts += [row["view"]] if row["view"] else []
        begin = f"{len(self._names):06d}-{Path(row['subject']).stem}"
        name = file_name(begin, f"{''.join(f'-{part}' for part in parts)}.png")
        (self._aside / name).write_bytes(row["image"])
        self._names.append(name)

    def finish(self) -> None:
        """Move them to their place, replacing those made by aukit before; other files are kept."""
        names = [f"{self._folder.name}/{name}" for name in self._names]
        before = [n for n in self._output.made() if n.startswith(f"{self._folder.name}/")]
        self._output.remove(set(before) - set(names))
        if names:
            self._folder.mkdir(exist_ok=True)
            with self._output.writing(names):
                for name in self._names:
                    os.replace(self._aside / name, self._folder / name)
        elif before and not any_entry(self._folder):
            self._folder.rmdir()
