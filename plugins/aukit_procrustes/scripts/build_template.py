"""Write `data/template.json` from the landmarks of neutral frontal faces.

Usage: python build_template.py FACES.npz OUT.json

FACES.npz holds `landmarks` (N, 68, 2): iBUG points, y down, any scale.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from aukit_procrustes.template import fit_template


def main(source: str, out: str) -> None:
    """Fit the template and write it."""
    with np.load(source, allow_pickle=False) as faces:
        template = fit_template(torch.from_numpy(faces["landmarks"]))
    rows = ",\n  ".join(json.dumps([round(x, 6), round(y, 6)]) for x, y in template.tolist())
    Path(out).write_text(f'{{"points": [\n  {rows}\n]}}\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
