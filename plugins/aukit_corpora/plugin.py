"""Registers readers of corpora and the command that imitates them; nothing heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from aukit.components import Component
from aukit.defaults import PHOTOGRAPHS
from aukit.hooks import hookimpl
from aukit.published import METHOD
from aukit_corpora.facts import CORPORA

Codes = Literal["richer", "intensity", "occurrence", "both"]
_CODES = (
    "richer: intensity if available, else occurrence; or only one of the two; both: richer, with "
    "occurrences in additional columns (AU06_present)"
)


@dataclass(frozen=True)
class CorpusOptions:
    """The folder of a corpus, and what to read from it."""

    root: Path | None = field(
        default=None, metadata={"role": METHOD, "help": "folder of the corpus"}
    )
    uncoded: bool = field(
        default=False,
        metadata={
            "role": METHOD,
            "help": "read uncoded frames instead of dropping them",
        },
    )
    shift: int = field(
        default=0,
        metadata={"role": METHOD, "help": "offset added to the frame numbers of label files"},
    )
    manifest: Path | None = field(
        default=None,
        metadata={
            "role": METHOD,
            "help": "manifest from `aukit data check`; changed files are refused",
        },
    )


@dataclass(frozen=True)
class Fera17Options(CorpusOptions):
    """FERA 2017."""

    views: str = field(
        default="fera17",
        metadata={"role": METHOD, "help": "fera17 (all nine), frontal, or numbers: 1,6"},
    )
    codes: Codes = field(default="intensity", metadata={"role": METHOD, "help": _CODES})

    def __post_init__(self) -> None:
        parts = self.views.replace(" ", ",").split(",")
        if self.views not in ("fera17", "frontal") and not (
            all(part in "123456789" and len(part) == 1 for part in parts)
        ):
            raise ValueError("views must be fera17, frontal, or numbers of 1 to 9: 1,6")
        _one_of(self.codes)


@dataclass(frozen=True)
class DisfaOptions(CorpusOptions):
    """DISFA."""

    camera: Literal["left", "right", "both"] = field(
        default="left",
        metadata={"role": METHOD, "help": "camera whose videos are read; labels are shared"},
    )
    landmarks: bool = field(
        default=False,
        metadata={"role": METHOD, "help": "use the corpus's own 66 points, completed to 68"},
    )
    fold: str = field(
        default="disfa:1",
        metadata={"role": METHOD, "help": "fold that defines the test people; none: no fold"},
    )


@dataclass(frozen=True)
class FoldedOptions(CorpusOptions):
    """A corpus without partitions of its own."""

    fold: str = field(
        default="1/3",
        metadata={"role": METHOD, "help": "fold that defines the test people; none: no fold"},
    )


@dataclass(frozen=True)
class Bp4dOptions(CorpusOptions):
    """BP4D."""

    codes: Codes = field(default="richer", metadata={"role": METHOD, "help": _CODES})
    fold: str = field(
        default="bp4d:1",
        metadata={"role": METHOD, "help": "fold that defines the test people; none: no fold"},
    )

    def __post_init__(self) -> None:
        _one_of(self.codes)


@dataclass(frozen=True)
class Bp4dPlusOptions(Bp4dOptions):
    """BP4D+."""

    fold: str = field(
        default="1/3",
        metadata={"role": METHOD, "help": "fold that defines the test people; none: no fold"},
    )


@dataclass(frozen=True)
class MultiPieOptions(CorpusOptions):
    """MultiPIE."""

    pictures: Literal["highres", "multiview"] = field(
        default="highres",
        metadata={
            "role": METHOD,
            "help": "pictures to read; multiview: those of the frontal camera, 05_1",
        },
    )


@dataclass(frozen=True)
class CkPlusOptions(FoldedOptions):
    """CK+."""

    codes: Literal["occurrence", "intensity"] = field(
        default="occurrence",
        metadata={
            "role": METHOD,
            "help": "intensity: AUs that are present but not scored are not coded",
        },
    )
    landmarks: bool = field(
        default=False, metadata={"role": METHOD, "help": "use the corpus's own 68 points"}
    )


@dataclass(frozen=True)
class TableOptions(FoldedOptions):
    """A table with one row per picture, or per frame of a video or of a folder of pictures."""

    pictures: Path | None = field(
        default=None,
        metadata={
            "role": METHOD,
            "help": "folder of the files listed in the table; the table's own if not set",
        },
    )
    file: str = field(
        default="", metadata={"role": METHOD, "help": "column with picture, video or folder"}
    )
    frame: str = field(
        default="", metadata={"role": METHOD, "help": "column with the frame number"}
    )
    first: int = field(
        default=0,
        metadata={"role": METHOD, "help": "frame number of a video's first frame in the table"},
    )
    subject: str = field(default="", metadata={"role": METHOD, "help": "column with the person"})
    task: str = field(default="", metadata={"role": METHOD, "help": "column with the task"})
    view: str = field(default="", metadata={"role": METHOD, "help": "column with the view"})
    partition: str = field(
        default="", metadata={"role": METHOD, "help": "column with train, valid or test"}
    )
    aus: str = field(
        default="",
        metadata={
            "role": METHOD,
            "help": "AU columns with other names: AU12=smile,AU04=frown",
            "whole": True,
        },
    )
    missing: str = field(
        default="9,-1,999",
        metadata={"role": METHOD, "help": "codes that mean not coded", "whole": True},
    )
    kind: Literal["auto", "intensity", "occurrence"] = field(
        default="auto",
        metadata={"role": METHOD, "help": "kind of the AU columns; auto: decided by their codes"},
    )
    fold: str = field(
        default="auto",
        metadata={
            "role": METHOD,
            "help": "fold that defines the test people; auto: 1/3 if the table has no partition "
            "column",
        },
    )


def _one_of(codes: str) -> None:
    if codes not in get_args(Codes):
        raise ValueError(f"codes must be one of {', '.join(get_args(Codes))}")


_READERS: dict[str, tuple[str, type]] = {
    "fera17": ("fera17:Fera17", Fera17Options),
    "disfa": ("disfa:Disfa", DisfaOptions),
    "disfa-plus": ("disfa:DisfaPlus", FoldedOptions),
    "bp4d": ("bp4d:Bp4d", Bp4dOptions),
    "bp4d-plus": ("bp4d:Bp4dPlus", Bp4dPlusOptions),
    "unbc": ("unbc:Unbc", FoldedOptions),
    "multipie": ("stills:MultiPie", MultiPieOptions),
    "ck-plus": ("stills:CkPlus", CkPlusOptions),
    "emotionet": ("emotionet:EmotioNet", TableOptions),
    "table": ("table:Table", TableOptions),
}


@hookimpl
def aukit_datasets() -> list[Component]:
    """One reader per corpus."""
    return [
        Component(
            kind="data",
            name=name,
            factory=f"aukit_corpora.{target}",
            config=options,
            summary=CORPORA[name].summary,
            presets={"quick": {}, "paper": {}},
            tags=(PHOTOGRAPHS,),
            data_licence=CORPORA[name].licence,
            paper=CORPORA[name].citation,
        )
        for name, (target, options) in _READERS.items()
    ]


@hookimpl
def aukit_commands() -> dict[str, tuple[str, str]]:
    """`aukit data imitate`."""
    return {
        "data imitate": (
            "aukit_corpora.command:imitate",
            "Build a corpus of avatars with the layout of a real one.",
        )
    }
