"""Lay the avatars' face out flat: derive `data/layout.safetensors` from the avatars' head.

    python plugins/aukit_prnet/scripts/build_layout.py

The face, from the hairline to below the jaw and from ear to ear, is cut out of the mean head. Its
eyes and its mouth are spanned by membranes from lid to lid and from lip to lip, so that it is one
surface without holes. That surface is embedded in a rounded square without folds: Floater,
"Mean value coordinates", Computer Aided Geometric Design 2003. The same head gives the same bytes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.numpy import save
from scipy.sparse import coo_matrix
from scipy.sparse.linalg import spsolve

from aukit.store.files import write_aside
from aukit_avatars.head import FORMAT as MESH
from aukit_avatars.head import Head
from aukit_avatars.people import sample_person
from aukit_prnet.layout_data import OURS as FORMAT

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OUTPUT = Path(__file__).parents[1] / "data" / "layout.safetensors"
PEOPLE = 400  # that the mean head is the mean of
OPEN_MOUTH = {"jawOpen": 0.3}  # so that the membrane between the lips has an area to embed
ROUNDNESS = 2.2  # exponent of the superellipse that bounds the map: 2 is a circle
EDGE = 0.012  # free share of the map on each side
MAGNIFIED = 1.2  # how strongly the middle of the map is enlarged at the cost of its rim; 0: not
NOSE_TIP = 30  # of the 68 points


class Patch:
    """A triangle mesh whose points lie within triangles of the head.

    Attributes:
        points: (N, 3) in centimetres on the mean head, with an open mouth.
        triangles: (M, 3) rows of `points`.
        source: (M, 3) vertices of the head's triangle that each triangle is a piece of.
        corners: (M, 3, 3) barycentric coordinates of its corners therein.
    """

    def __init__(self, points: Array, triangles: Ints) -> None:
        self.points = points
        self.triangles = triangles
        self.source = triangles.copy()
        self.corners = np.broadcast_to(np.eye(3), (len(triangles), 3, 3)).copy()

    def clip(self, inside: Array) -> None:
        """Keep what lies where `inside`, (N,) and linear within a triangle, is positive."""
        cuts: dict[tuple[int, int], int] = {}
        points = list(self.points)
        pieces = []
        for triangle, source, corners in zip(
            self.triangles, self.source, self.corners, strict=True
        ):
            polygon = []
            for here, there in ((0, 1), (1, 2), (2, 0)):
                a, b = int(triangle[here]), int(triangle[there])
                if inside[a] > 0:
                    polygon.append((a, corners[here]))
                if (inside[a] > 0) != (inside[b] > 0):
                    share = inside[a] / (inside[a] - inside[b])
                    edge = (min(a, b), max(a, b))
                    if edge not in cuts:
                        cuts[edge] = len(points)
                        points.append((1 - share) * points[a] + share * points[b])
                    place = (1 - share) * corners[here] + share * corners[there]
                    polygon.append((cuts[edge], place))
            for fan in zip(polygon[:1] * len(polygon), polygon[1:], polygon[2:], strict=False):
                pieces.append(([p for p, _ in fan], source, [c for _, c in fan]))
        self.points = np.array(points)
        self.triangles, self.source, self.corners = map(np.array, zip(*pieces, strict=True))

    def keep(self, rows: npt.NDArray[np.bool_]) -> None:
        self.triangles, self.source = self.triangles[rows], self.source[rows]
        self.corners = self.corners[rows]

    def compact(self) -> Ints:
        """Drop unused points; returns the former numbers of those that stay."""
        used, again = np.unique(self.triangles, return_inverse=True)
        self.triangles = again.reshape(-1, 3)
        self.points = self.points[used]
        return used


def mean_head(head: Head) -> Array:
    """(V, 3) centimetres: the mean of many avatars, made symmetric."""
    people = [sample_person(head, 0, f"mean/{n}", n % 2 == 0) for n in range(PEOPLE)]
    mean = head.neutral(torch.stack([person.identity for person in people])).double().mean(0)
    vertices: Array = mean.numpy()
    return (vertices + vertices[mirror_of(head)] * [-1, 1, 1]) / 2


def mirror_of(head: Head) -> Ints:
    """(V,) the vertex on the other side."""
    distance = torch.cdist(head.vertices * torch.tensor([-1.0, 1, 1]), head.vertices)
    nearest: Ints = distance.argmin(1).numpy()
    if not np.array_equal(nearest[nearest], np.arange(len(nearest))):
        raise SystemExit("the head is not symmetric")
    return nearest


def inside_face(points: Array) -> Array:
    """How far inside the region of the face points of the mean head lie, about centimetres."""
    x, y, z = points.T
    before_ears = z - (2.2 - 0.8 * np.tanh((y - 1.6) / 1.2))
    above_neck = (y + z + 1.6 + 0.07 * x**2) / np.sqrt(2)
    height = np.clip(y - 2.0, 0, None)
    below_hairline = 4 * (1 - (np.abs(x) / 8.5) ** 2.5 - (height / 5.6) ** 2.5)
    result: Array = np.minimum(np.minimum(before_ears, above_neck), below_hairline)
    return result


def boundary_loops(triangles: Ints) -> list[list[int]]:
    """The closed borders of a mesh, each in the direction of its triangles."""
    edges = {(int(t[i]), int(t[(i + 1) % 3])) for t in triangles for i in range(3)}
    following = {a: b for a, b in edges if (b, a) not in edges}
    loops = []
    while following:
        start, after = following.popitem()
        loop = [start]
        while after != start:
            loop.append(after)
            after = following.pop(after)
        loops.append(loop)
    return loops


def membrane(loop: list[int], points: Array) -> Ints:
    """Triangles that span a slit from its upper to its lower rim, zipped from left to right."""
    order = np.array(loop)
    x = points[order, 0]
    left, right = int(x.argmin()), int(x.argmax())
    one = np.roll(order, -left)[: (right - left) % len(order) + 1]
    other = np.roll(order, -right)[: (left - right) % len(order) + 1][::-1]
    triangles = []
    i = j = 0
    while i < len(one) - 1 or j < len(other) - 1:
        step_one = j == len(other) - 1 or (
            i < len(one) - 1 and points[one[i + 1], 0] <= points[other[j + 1], 0]
        )
        ahead = one[i + 1] if step_one else other[j + 1]
        triangle = (one[i], ahead, other[j])
        i, j = (i + 1, j) if step_one else (i, j + 1)
        if len(set(map(int, triangle))) == 3:
            triangles.append(triangle)
    # The loop runs as the skin's triangles do, so the membrane's must run against it.
    return np.array(triangles)[:, ::-1]


def component(triangles: Ints, start: int) -> npt.NDArray[np.bool_]:
    """(M,) the triangles that hang together with a vertex."""
    reached = np.zeros(int(triangles.max()) + 1, bool)
    reached[start] = True
    while True:
        rows: npt.NDArray[np.bool_] = np.asarray(reached[triangles].any(1))
        before = reached.sum()
        reached[triangles[rows]] = True
        if reached.sum() == before:
            return rows


def embed(patch: Patch, mirror: Ints) -> Array:
    """(N, 2) places in the unit square, by mean value coordinates and a convex border."""
    (border,) = boundary_loops(patch.triangles)
    fixed = on_border(patch.points[border])
    weights = mean_value_weights(patch.points, patch.triangles)
    inner = np.setdiff1d(np.arange(len(patch.points)), border)
    total = np.asarray(weights.sum(1)).ravel()
    system = (coo_matrix((total, (range(len(total)),) * 2)) - weights).tocsr()
    places = np.zeros((len(patch.points), 2))
    places[border] = fixed
    places[inner] = spsolve(system[inner][:, inner].tocsc(), -system[inner][:, border] @ fixed)
    symmetric: Array = (places + (places[mirror] * [-1, 1] + [1, 0])) / 2
    return symmetric


def on_border(points: Array) -> Array:
    """Points of the border on a superellipse, by the length that they have come.

    Both sides of the face take half of the way, so that top and chin stay in the middle.
    """
    middles = np.flatnonzero(np.abs(points[:, 0]) < 1e-6)
    top, chin = (int(middles[pick(points[middles, 1])]) for pick in (np.argmax, np.argmin))
    step = np.linalg.norm(np.roll(points, -1, 0) - points, axis=1)
    turn = np.zeros(len(points))
    for start, stop, begun in ((top, chin, 0.0), (chin, top, 0.5)):
        run = (start + np.arange((stop - start) % len(points))) % len(points)
        come = np.concatenate([[0], step[run].cumsum()])
        turn[run] = begun + 0.5 * come[:-1] / come[-1]
    angle = 2 * np.pi * turn
    direction = -np.stack([np.sin(angle), np.cos(angle)], 1)
    return 0.5 + (0.5 - EDGE) * direction / gauge(direction)


def gauge(offsets: Array) -> Array:
    """(N, 1): 0 in the middle of the superellipse, 1 on its border."""
    length: Array = (np.abs(offsets) ** ROUNDNESS).sum(1, keepdims=True) ** (1 / ROUNDNESS)
    return length


def magnified(places: Array) -> Array:
    """Enlarge the middle, where eyes, nose and mouth are; the border stays where it is."""
    offsets = (places - 0.5) / (0.5 - EDGE)
    radius = np.maximum(gauge(offsets), 1e-9)
    moved = np.tanh(MAGNIFIED * radius) / np.tanh(MAGNIFIED)
    result: Array = 0.5 + (0.5 - EDGE) * offsets * moved / radius
    return result


def mean_value_weights(points: Array, triangles: Ints) -> coo_matrix:
    """(N, N) weights of the neighbours of every point."""
    rows, columns, values = [], [], []
    for corner in range(3):
        here, ahead, behind = (triangles[:, (corner + k) % 3] for k in range(3))
        one, other = points[ahead] - points[here], points[behind] - points[here]
        near, far = np.linalg.norm(one, axis=1), np.linalg.norm(other, axis=1)
        cosine = np.clip((one * other).sum(1) / (near * far), -1, 1)
        half = np.tan(np.arccos(cosine) / 2)
        rows += [here, here]
        columns += [ahead, behind]
        values += [half / near, half / far]
    place = (np.concatenate(rows), np.concatenate(columns))
    return coo_matrix((np.concatenate(values), place), shape=(len(points),) * 2).tocsr()


def folds(places: Array, triangles: Ints) -> int:
    """How many triangles of the embedding lie upside down."""
    a, b, c = (places[triangles[:, i]] for i in range(3))
    (across, down), (aside, below) = (b - a).T, (c - a).T
    area = across * below - down * aside
    return int(min((area <= 0).sum(), (area >= 0).sum()))


def skin_with_membranes(head: Head, posed: Array) -> Ints:
    """(M, 3) triangles of the skin and the lips, the eyes and the mouth spanned."""
    triangles: Ints = head.triangles[head.part("skin", "lips")].numpy()
    marks = head.landmarks68.numpy()
    wanted = [
        posed[marks[list(group)]].mean(0) for group in (range(36, 42), range(42, 48), range(60, 68))
    ]
    spans = [
        membrane(loop, posed)
        for loop in boundary_loops(triangles)
        if min(np.linalg.norm(posed[loop].mean(0) - middle) for middle in wanted) < 1
    ]
    return np.concatenate([triangles, *spans])


def build(head: Head) -> dict[str, npt.NDArray[np.generic]]:
    """The tensors of the file."""
    mean = mean_head(head)
    weights = torch.zeros(1, len(head.action_names))
    for name, weight in OPEN_MOUTH.items():
        weights[0, head.action_index[name]] = weight
    posed = head.move(torch.from_numpy(mean).float()[None], weights)[0].double().numpy()
    mirror = mirror_of(head)
    posed = (posed + posed[mirror] * [-1, 1, 1]) / 2
    patch = Patch(posed, skin_with_membranes(head, posed))
    patch.clip(inside_face(mean))
    marks = head.landmarks68.numpy()
    patch.keep(component(patch.triangles, int(marks[NOSE_TIP])))
    kept = patch.compact()
    places = magnified(embed(patch, nearest_mirror(patch.points)))
    if count := folds(places, patch.triangles):
        raise SystemExit(f"the embedding has {count} folds")
    landmarks = places[np.searchsorted(kept, marks)]
    return {
        "uv": places.astype(np.float32),
        "triangles": patch.triangles.astype(np.int32),
        "source": patch.source.astype(np.int32),
        "corners": patch.corners.astype(np.float32),
        "landmarks": landmarks.astype(np.float32),
        "mean": mean.astype(np.float32),
    }


def nearest_mirror(points: Array) -> Ints:
    """(N,) the point on the other side."""
    away = torch.cdist(torch.from_numpy(points * [-1, 1, 1]), torch.from_numpy(points))
    nearest: Ints = away.argmin(1).numpy()
    return nearest


def main() -> None:
    """Write the file."""
    tensors = build(Head.load())
    with write_aside(OUTPUT) as aside:
        aside.write_bytes(save(tensors, {"format": FORMAT, "mesh": MESH}))
    print({name: value.shape for name, value in tensors.items()})


if __name__ == "__main__":
    main()
