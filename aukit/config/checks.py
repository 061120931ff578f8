"""Checks that options of several components and commands share."""

from __future__ import annotations

from aukit.errors import ConfigError
from aukit.remote.store import is_url


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
    """Refuse a URL where a file or folder of this machine is expected.

    Raises:
        ConfigError: the text is a URL, such as `s3://bucket/photos`.
    """
    if is_url(text):
        raise ConfigError(
            f"{text} is a URL, and a file or folder is needed",
            "only data and models are read from URLs; `aukit push` uploads results",
        )
