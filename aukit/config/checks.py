"""Checks that options of several components and commands share."""

from __future__ import annotations

import re

from aukit.errors import ConfigError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def at_least(options: object, limit: int, *names: str) -> None:
    """Refuse options below a limit.

    Raises:
        ValueError: an option is below the limit; the message names it.
    """
    for name in names:
        if not getattr(options, name) >= limit:
            least = f"at least {limit}" if limit else "0 or more"
            raise ValueError(f"{name} must be {least}")


def refuse_url(text: str) -> None:
    """Refuse a URL where a file or folder is expected; a path would lose one of its slashes.

    Raises:
        ConfigError: the text is a URL, such as `s3://bucket/photos`.
    """
    if _URL.match(text):
        raise ConfigError(
            f"{text} is a URL, and aukit reads and writes files",
            "copy the files, or mount the object store as a folder",
        )
