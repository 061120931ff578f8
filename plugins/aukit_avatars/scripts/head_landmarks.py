"""Vertex ids of `base.obj` (hm08) for the 68-point scheme, chosen by hand on the neutral head.

The order is iBUG's (300-W): seen in the picture, from left to right. The left half of the list
is the mirror image of the right half.
"""

from __future__ import annotations

# fmt: off
LANDMARKS_68 = [
    # jaw contour, from the person's right ear to the left
    5405, 5236, 5246, 5242, 5240, 892, 5294, 5292, 732,
    11898, 11900, 7594, 11849, 11851, 11854, 11845, 12004,
    # brows, right then left
    3742, 225, 204, 205, 208, 6983, 6980, 6979, 6999,
    10410,
    # nose: bridge, then base
    133, 131, 164, 294, 381, 313, 312, 7076, 7141,
    # eyes, right then left
    1089, 1081, 1099, 1103, 1096, 1094, 7795, 7791, 7773,
    7781, 7786, 7788,
    # outer lips
    3736, 5354, 450, 455, 7210, 11956, 10404, 7235, 7241,
    492, 486, 480,
    # inner lips
    527, 532, 537, 7277, 7272, 7280, 540, 535,
]
# fmt: on
