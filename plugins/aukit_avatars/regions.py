"""Which vertices belong to which part of the head."""

from __future__ import annotations

import torch
from torch import Tensor

from aukit_avatars.head import Head


def belonging(head: Head, *parts: str) -> Tensor:
    """(V,) bool: vertices of any triangle of the named parts."""
    member = torch.zeros(len(head.vertices), dtype=torch.bool, device=head.vertices.device)
    member[head.triangles[head.part(*parts)].flatten()] = True
    return member
