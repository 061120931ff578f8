"""A folder being filled with an imitation of a corpus, and the expected result of a reader."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
from torch import Tensor

from aukit.data.codes import NOT_CODED
from aukit.data.kinds import AuKind
from aukit.data.records import index_schema
from aukit.store.files import write_table
from aukit.vision import images
from aukit.vision.movie import write_movie
from aukit_corpora.actors import Cast, Take

TRUTH = ".imitation/truth.parquet"
"""Hidden, since readers look at every file that is not."""

RATE = 25

Actors = Callable[[Cast], Iterable[Take]]
"""Makes every take of a cast: people in order, their tasks, the views of each."""


@dataclass
class Imitation:
    """A folder that is being filled.

    Attributes:
        root: the folder.
        corpus: name of the reader.
        aus, kinds: what the truth holds.
        quirks: whether files are as untidy as real ones.
        actors: who plays.
        rows: the truth so far.
    """

    root: Path
    corpus: str
    cast: Cast
    quirks: bool
    actors: Actors
    aus: tuple[str, ...] = ()
    kinds: Mapping[str, AuKind] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def perform(self, **changes: Any) -> Iterable[Take]:
        """Everything that is played, with what this corpus wants otherwise."""
        return self.actors(replace(self.cast, **changes))

    def lines(self, name: str, lines: Iterable[str], end: str = "\n") -> None:
        """Write a text file."""
        path = self._path(name)
        path.write_text("".join(f"{line}{end}" for line in lines), encoding="utf-8", newline="")

    def picture(self, name: str, image: Tensor) -> None:
        """Write a picture, in the format that its name says."""
        kind: Any = "png" if name.endswith(".png") else "jpeg"
        self._path(name).write_bytes(images.encode(image[None], kind)[0])

    def film(self, name: str, pictures: Tensor) -> None:
        """Write a video, in the container that its name says."""
        path = self._path(name)
        if path.suffix == ".avi":
            _write_avi(path, pictures)
        else:
            write_movie(path, pictures, RATE)

    def _path(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def expect(
        self, subject: str, frame: int | None, codes: Mapping[str, float | None],
        task: str | None = None, view: str | None = None, partition: str | None = None,
        reason: str | None = None, name: str | None = None,
    ) -> None:  # fmt: skip
        """The expected row of one frame; frames without codes are not read."""
        stem = "/".join(filter(None, (self.corpus, partition, subject, task, view)))
        blank = bool(self.aus) and all(codes.get(au) is None for au in self.aus)
        row = {
            "id": name or f"{stem}/{frame:05d}", "dataset": self.corpus, "partition": partition,
            "subject": subject, "task": task, "view": view, "frame": frame,
            "reason": reason or (NOT_CODED if blank else None),
        }  # fmt: skip
        self.rows.append({**row, **{au: codes.get(au) for au in self.aus}})

    def finish(self) -> None:
        """Write the truth."""
        schema = index_schema(self.aus, self.kinds)
        schema = schema.append(pa.field("reason", pa.string()))
        rows = [{"time_s": None, **row} for row in self.rows]
        write_table(self.root / TRUTH, pa.Table.from_pylist(rows, schema=schema))


def codes_of(take: Take, aus: Sequence[str]) -> list[dict[str, float | None]]:
    """The codes of each frame."""
    columns = {au: take.codes(au) for au in aus if au in take.aus}
    return [{au: codes[t] for au, codes in columns.items()} for t in range(len(take.pictures))]


def _write_avi(path: Path, pictures: Tensor) -> None:
    with av.open(str(path), "w", format="avi") as container:
        stream: Any = container.add_stream("mjpeg", rate=RATE)
        stream.pix_fmt, stream.bit_rate = "yuvj420p", 8_000_000
        stream.height, stream.width = pictures.shape[2:]
        for picture in pictures:
            pixels = picture.permute(1, 2, 0).contiguous().numpy()
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
