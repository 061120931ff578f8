"""Per-sample randomness, derived from the run's seed and the sample's name.

Results therefore do not depend on batch size, order or the number of workers.
"""

from __future__ import annotations

import hashlib


def seed_of(seed: int, *names: object) -> int:
    """A 63-bit seed for a named purpose, e.g. `seed_of(0, "dropout", step)`.

    Names may be file names that are not UTF-8.
    """
    text = "\x1f".join(str(name) for name in (seed, *names))
    return (
        int.from_bytes(hashlib.sha256(text.encode(errors="surrogateescape")).digest()[:8], "little")
        >> 1
    )
