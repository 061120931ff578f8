"""Models bundled with plugins; their names are accepted wherever a run folder is."""

from __future__ import annotations

from collections import Counter
from importlib.resources import files
from pathlib import Path

from aukit.errors import ConfigError
from aukit.registry.loading import Registry
from aukit.remote.copy import local_folder
from aukit.remote.path import RemotePath, place_of
from aukit.runs.exported import MODEL_FILE


def known_models(registry: Registry) -> dict[str, tuple[str, str]]:
    """Name -> (`package:folder`, summary); a name offered by two plugins is `distribution/name`."""
    offered = [(p, name, model) for p in registry.plugins for name, model in p.models.items()]
    counts = Counter(name for _, name, _ in offered)
    return {n if counts[n] == 1 else f"{p.distribution}/{n}": m for p, n, m in offered}


def model_folder(ref: str | Path, registry: Registry) -> Path:
    """Resolve a path or the name of a bundled model to a folder; an existing path wins.

    An exported model in a store (`s3://lab/models/smile`) is copied to this machine.

    Raises:
        ConfigError: `ref` is neither.
        StoreError: the store refuses access or does not answer.
    """
    place = place_of(str(ref))
    if isinstance(place, RemotePath):
        if not (place / MODEL_FILE).exists():
            raise ConfigError(f"{place} is not an exported model", "make one with `aukit export`")
        return local_folder(place)
    known = known_models(registry)
    if Path(ref).exists():
        return Path(ref)
    if str(ref) not in known:
        names = ", ".join(sorted(known)) or "none"
        hint = f"runs are made by `aukit run`; bundled models: {names}"
        raise ConfigError(f"{ref} is not a run folder", hint)
    package, _, folder = known[str(ref)][0].partition(":")
    return Path(str(files(package))) / folder
