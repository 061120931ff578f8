"""Imitations of corpora: avatars in the layout of each, with quirks and the expected result.

The corpora must not be redistributed, so readers, run files and plugins are tested with these.
`.imitation/truth.parquet` holds the expected result of a reader: the index, and the reason for each
row without a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aukit.errors import ConfigError
from aukit.store.files import ensure_writable, write_json
from aukit_corpora.actors import Cast, takes
from aukit_corpora.imitate_pictures import build_emotionet, build_multipie
from aukit_corpora.imitate_sequences import (
    build_bp4d,
    build_ck_plus,
    build_disfa_plus,
    build_unbc,
)
from aukit_corpora.imitate_videos import build_disfa, build_fera17, build_table
from aukit_corpora.imitation import Actors, Imitation

MARK = ".imitation/about.json"

Build = Callable[[Imitation], None]

BUILDERS: dict[str, Build] = {
    "disfa": build_disfa,
    "disfa-plus": build_disfa_plus,
    "fera17": build_fera17,
    "bp4d": build_bp4d,
    "bp4d-plus": build_bp4d,
    "unbc": build_unbc,
    "multipie": build_multipie,
    "ck-plus": build_ck_plus,
    "emotionet": build_emotionet,
    "table": build_table,
}
"""Corpus -> what fills a folder with its imitation."""


def imitate(
    corpus: str, folder: Path, cast: Cast, quirks: bool = True, actors: Actors = takes
) -> Path:
    """Build an imitation of a corpus.

    Args:
        corpus: name of a reader of this plugin.
        folder: created, or empty.
        cast: size of the imitation; tasks and views are the corpus's own.
        quirks: make files as untidy as real ones: codes for "not coded", missing and short files,
            duplicate and missing rows, Windows line endings.
        actors: the avatars.

    Returns:
        the folder.

    Raises:
        ConfigError: the corpus is unknown, there are too few people, or the folder is not empty.
        StorageError: the folder cannot be written.
    """
    if corpus not in BUILDERS:
        raise ConfigError(
            f"there is no imitation of '{corpus}'", f"available: {', '.join(BUILDERS)}"
        )
    if cast.people < 3 or cast.frames < 6:
        raise ConfigError("an imitation needs at least three people and six frames")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} is not empty", "choose a new folder")
    ensure_writable((folder / MARK).parent)
    write_json(folder / MARK, {"corpus": corpus, "seed": cast.seed, "people": cast.people})
    place = Imitation(folder, corpus, cast, quirks, actors)
    BUILDERS[corpus](place)
    place.finish()
    return folder
