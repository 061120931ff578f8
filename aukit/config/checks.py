"""Checks that options of several components share."""

from __future__ import annotations


def at_least(options: object, limit: int, *names: str) -> None:
    """Refuse options below a limit.

    Raises:
        ValueError: an option is below the limit; the message names it.
    """
    for name in names:
        if not getattr(options, name) >= limit:
            least = f"at least {limit}" if limit else "0 or more"
            raise ValueError(f"{name} must be {least}")
