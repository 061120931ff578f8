"""Facial actions of our own."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def sculpted_actions(vertices: Array) -> dict[str, Array]:
    """Nothing yet."""
    return {}
