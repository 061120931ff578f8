"""What aukit reads to list this plugin; nothing heavy is imported here."""

from dataclasses import dataclass, field

from aukit.components import Component
from aukit.hooks import hookimpl


@dataclass(frozen=True)
class Options:
    """Where the eyes come to lie."""

    size: int = field(default=224, metadata={"help": "side of the registered face, pixels"})
    distance: float = field(default=0.4, metadata={"help": "between the eyes, share of the side"})

    def __post_init__(self) -> None:
        if self.size < 16 or not 0 < self.distance < 1:
            raise ValueError("size must be at least 16, and distance between 0 and 1")


@hookimpl
def aukit_aligners() -> list[Component]:
    """The components of a kind that this package offers."""
    return [
        Component(
            kind="aligner",
            name="eyes",
            factory="aukit_eyes.align:EyesAligner",
            config=Options,
            summary="a similarity that puts the eyes in place",
            accepts=("ibug-68",),
        )
    ]
