"""Settings that cannot be, refused in one line that says what can."""

from __future__ import annotations

from typing import Any

import pytest

from aukit.config.resolve import resolve
from aukit.errors import ConfigError
from aukit.registry.loading import Registry


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"seed": -1}, "seed must be a whole number from 0 to"),
        ({"seed": 10**23}, "seed must be a whole number from 0 to"),
        ({"fold_seed": -1}, "fold_seed must be a whole number from 0 to"),
        ({"aligner": 3}, "unknown aligner '3'|aligner is 3"),
        ({"test": 3}, "test is 3"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        resolve(Registry(), [("test", settings)])
