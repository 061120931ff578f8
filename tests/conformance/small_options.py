"""Options of the small components; light, as the module of a plugin must be."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Options:
    """Something of every type that options may have."""

    count: int = field(default=3, metadata={"help": "a number"})
    share: float = field(default=0.5, metadata={"help": "another number"})
    names: tuple[str, ...] = field(default=("a", "b"), metadata={"help": "some texts"})
    limit: int | None = field(default=None, metadata={"help": "a number, or none"})
