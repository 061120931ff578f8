"""Files of the public layout's format, with a small made-up face."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aukit_prnet.layout import Layout


def write_public_layout(folder: Path) -> Path:
    """Our own layout in the files that come with the public weights: floats in text, z upside."""
    ours = Layout.load(256)
    folder.mkdir(parents=True)
    texels = ours.texels.numpy()
    keypoints = ours.keypoints.numpy()
    np.savetxt(folder / "face_ind.txt", texels.astype(float))
    np.savetxt(
        folder / "uv_kpt_ind.txt", np.stack([keypoints % 256, keypoints // 256]).astype(float)
    )
    canonical = ours.canonical.numpy().astype(np.float64) * [10, 10, -10] + [0, 250, 0]
    np.save(folder / "canonical_vertices.npy", canonical)
    return folder
