"""Tables of the region centres of action units.

A centre is a point of the 68 and a shift downwards in rulers; a ruler is the distance between the
inner corners of the eyes (points 39 and 42). Published tables disagree, so each is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from aukit.errors import ConfigError

Rules = Mapping[str, tuple[tuple[int, float], ...]]
"""AU column -> its centres: point and shift."""


def _both(left: int, right: int, down: float = 0.0) -> tuple[tuple[int, float], ...]:
    return ((left, down), (right, down))


_CORNERS = _both(48, 54)
_LIPS = _both(51, 57)
_CHIN = _both(56, 58, 0.5)

EACNET: Rules = {
    "AU01": _both(21, 22, -0.5),
    "AU02": _both(18, 25, -1 / 3),
    "AU04": _both(19, 24, 1 / 3),
    "AU06": _both(41, 46, 1.0),
    "AU07": _both(38, 43),
    "AU10": _both(49, 53),
    "AU12": _CORNERS,
    "AU14": _CORNERS,
    "AU15": _CORNERS,
    "AU17": _LIPS,
    "AU23": _both(61, 63),
    "AU24": _both(61, 63),
}
"""Li et al., EAC-Net (FG 2017)."""

JAANET: Rules = {
    **EACNET,
    "AU09": _both(32, 34, -0.5),
    "AU10": _both(61, 63),
    "AU17": _CHIN,
    "AU23": _LIPS,
    "AU24": _LIPS,
    "AU25": _LIPS,
    "AU26": _CHIN,
}
"""Shao et al., JAA-Net (ECCV 2018)."""

PAPER: Rules = {
    "AU05": _both(37, 44),
    "AU11": _both(49, 53, -0.5),
    "AU13": _CORNERS,
    "AU16": _both(56, 58),
    "AU18": _LIPS,
    "AU20": _CORNERS,
    "AU22": _LIPS,
    "AU27": _LIPS + _CHIN,
    "AU28": _LIPS,
    "AU43": _both(38, 43),
    "AU45": _both(38, 43),
    **{au: JAANET[au] for au in ("AU09", "AU25", "AU26")},
    **EACNET,
    "AU17": _LIPS + _CHIN,
}
"""What LAC-GAN means by imitating EAC-Net, as far as it can be known: EAC-Net's centres for the
paper's twelve AUs (AU17 with the chin, which EAC-Net's text has and its list lacks), JAA-Net's for
AUs that EAC-Net does not have, and our own for AUs that neither has."""

TABLES: Mapping[str, Rules] = {"paper": PAPER, "eacnet": EACNET, "jaanet": JAANET}


def centres_of(table: str, aus: Sequence[str]) -> tuple[Tensor, Tensor]:
    """The centres of AUs; if an AU has fewer than others, its first one is repeated.

    Returns:
        points (A, C) int64 and shifts (A, C) float32 in rulers, downwards.

    Raises:
        ConfigError: the table does not have an AU.
    """
    rules = TABLES[table]
    if missing := [au for au in aus if au not in rules]:
        raise ConfigError(
            f"the centres of '{table}' do not have {', '.join(missing)}",
            f"leave them out of --aus, or choose a table that has them: {', '.join(TABLES)}",
        )
    most = max(len(rules[au]) for au in aus)
    padded = [(*rules[au], *(rules[au][:1] * (most - len(rules[au])))) for au in aus]
    points = torch.tensor([[point for point, _ in row] for row in padded])
    shifts = torch.tensor([[down for _, down in row] for row in padded])
    return points, shifts
