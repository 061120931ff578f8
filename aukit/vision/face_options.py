"""Options shared by aligners; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field

from aukit.published import METHOD, SIZE


@dataclass(frozen=True)
class FaceOptions:
    """Position of the face in the registered picture."""

    size: int = field(
        default=224, metadata={"role": SIZE, "help": "side of the registered face, pixels"}
    )
    margin: float = field(
        default=0.09,
        metadata={"role": METHOD, "help": "free share of the width on either side of the jaw"},
    )
    forehead: float = field(
        default=0.14, metadata={"role": METHOD, "help": "free share of the height above the brows"}
    )

    def __post_init__(self) -> None:
        if self.size < 16:
            raise ValueError("size must be at least 16")
        if not (0 <= self.margin < 0.5 and 0 <= self.forehead < 1):
            raise ValueError("margin must lie in 0..0.5 and forehead in 0..1")
