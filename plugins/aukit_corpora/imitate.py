"""Imitations of corpora: avatars in the layout of each, quirks included, and the truth beside them.

Nobody may hand the corpora around, so readers, run files and plugins are rehearsed with these.
`.imitation/truth.parquet` holds what a reader has to make of the folder: the index, and for each
row that has no picture the reason.
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
        folder: is made, or is empty.
        cast: who performs; tasks and views are the corpus's own.
        quirks: leave files as untidy as real ones: codes for "not coded", missing and short files,
            doubled and missing rows, Windows line ends.
        actors: who plays: avatars.

    Returns:
        the folder.

    Raises:
        ConfigError: there is no such corpus, too few people, or the folder holds something.
        StorageError: the folder cannot be written.
    """
    if corpus not in BUILDERS:
        raise ConfigError(f"there is no imitation of '{corpus}'", f"of: {', '.join(BUILDERS)}")
    if cast.people < 3 or cast.frames < 6:
        raise ConfigError("an imitation needs three people and six frames at least")
    if folder.exists() and any(folder.iterdir()):
        raise ConfigError(f"{folder} holds something already", "choose a new folder")
    ensure_writable((folder / MARK).parent)
    write_json(folder / MARK, {"corpus": corpus, "seed": cast.seed, "people": cast.people})
    place = Imitation(folder, corpus, cast, quirks, actors)
    BUILDERS[corpus](place)
    place.finish()
    return folder
