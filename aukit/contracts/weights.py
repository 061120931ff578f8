"""Model weights that plugins can provide."""

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
        requirement: requirement for pip, with an exact version.
        member: path of the file inside the wheel.
    """

    requirement: str
    member: str

    def __str__(self) -> str:
        return f"{self.member} in the wheel {self.requirement}"


@dataclass(frozen=True)
class Bundled:
    """A file that is installed with a package.

    Attributes:
        package: import name of the package.
        member: path of the file inside the package.
    """

    package: str
    member: str

    def __str__(self) -> str:
        return f"{self.member} in the package {self.package}"


@dataclass(frozen=True)
class Weights:
    """Weights known by name.

    Attributes:
        name: name to type.
        sha256: hexadecimal SHA-256 of the file.
        bytes: size of the file.
        licence: SPDX name.
        sources: where to get it, tried in this order; a file that is installed with a package
            stands alone.
        summary: one line of help.
    """

    name: str
    sha256: str
    bytes: int
    licence: str
    sources: tuple[Address | Wheel | Bundled, ...]
    summary: str
