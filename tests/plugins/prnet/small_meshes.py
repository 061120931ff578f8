"""A dataset that knows its meshes and renders nothing: faces of the layout's mean shape."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import torch

from aukit.contracts.dataset import Meshes
from aukit.data.records import index_schema
from aukit_prnet.layout import Layout

SIZE = 48


class SmallMeshes:
    """Flat faces of one shape, a light square wherever the face is.

    Args:
        count: pictures.
        mesh: what it says that its mesh is.
    """

    def __init__(self, count: int, mesh: str | None = None) -> None:
        layout = Layout.load(64)
        assert layout.mesh is not None
        assert layout.sources is not None
        self.mesh = mesh or layout.mesh
        self.rendered: list[str] = []
        self._vertices = int(layout.sources.max()) + 1
        self._layout = layout
        self._count = count

    def index(self) -> pa.Table:
        numbers = range(self._count)
        parts = ["valid" if number % 4 == 3 else "train" for number in numbers]
        columns = {
            "id": [f"small/{number}" for number in numbers],
            "dataset": ["small"] * self._count,
            "partition": parts,
            "subject": [str(number) for number in numbers],
            "task": ["t"] * self._count,
            "view": ["frontal"] * self._count,
            "frame": list(numbers),
            "time_s": [0.0] * self._count,
        }
        return pa.table(columns, schema=index_schema(()))

    def meshes(self, rows: pa.Table) -> Iterator[Meshes]:
        self.rendered += rows.column("id").to_pylist()
        places = torch.tensor([[10 + n % 8, 10 + n % 5] for n in rows.column("frame").to_pylist()])
        vertices = torch.zeros(len(places), self._vertices, 3)
        face = self._layout.canonical - self._layout.canonical.mean(0)
        face = face / face.abs().max() * 10 + torch.tensor([14.0, 14, 0])
        vertices[:, self._layout.sources[:, 0]] = face
        vertices[..., :2] += places[:, None].float()
        images = torch.full((len(places), 3, SIZE, SIZE), 40, dtype=torch.uint8)
        for image, (x, y) in zip(images, places.tolist(), strict=True):
            image[:, y + 4 : y + 24, x + 4 : x + 24] = 200
        points = self._layout.template.landmarks_of(face)[:, :2]
        landmarks = points + places[:, None].float()
        yield Meshes(rows, images, vertices, landmarks, (images[:, 0] > 100).float())
