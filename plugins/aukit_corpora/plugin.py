"""Registers readers of corpora and the command that imitates them; nothing heavy is imported."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from aukit.components import Component
from aukit.hooks import hookimpl
from aukit.published import METHOD


@dataclass(frozen=True)
class Facts:
    """What is known of a corpus without having it.

    Attributes:
        summary: one line.
        licence: the terms of use, in one sentence.
        citation: what to cite.
        published: numbers to compare with (`aukit.contracts.survey.Survey.published`).
    """

    summary: str
    licence: str
    citation: str
    published: Mapping[str, int] = field(default_factory=dict)


CORPORA: dict[str, Facts] = {
    "fera17": Facts(
        "FERA 2017: AU intensity from nine views",
        "For research that is not commercial, under an agreement with the organisers.",
        "Valstar et al., FERA 2017: Addressing head pose in the third facial expression "
        "recognition and analysis challenge, FG 2017",
        {"people": 61},
    ),
    "disfa": Facts(
        "DISFA: spontaneous expressions, twelve AUs coded 0 to 5",
        "For research that is not commercial, under an agreement with the University of Denver.",
        "Mavadati et al., DISFA: A spontaneous facial action intensity database, IEEE "
        "Transactions on Affective Computing 4(2), 2013",
        {"people": 27, "recordings": 27, "coded frames": 130814},
    ),
    "disfa-plus": Facts(
        "DISFA+: posed and spontaneous trials, twelve AUs coded 0 to 5",
        "For research that is not commercial, under an agreement with the University of Denver.",
        "Mavadati, Sanger and Mahoor, Extended DISFA dataset: Investigating posed and spontaneous "
        "facial expressions, CVPR Workshops 2016",
        {"people": 9},
    ),
    "bp4d": Facts(
        "BP4D-Spontaneous: eight tasks, occurrence and intensity",
        "For research that is not commercial, under an agreement with Binghamton University.",
        "Zhang et al., BP4D-Spontaneous: A high-resolution spontaneous 3D dynamic facial "
        "expression database, Image and Vision Computing 32(10), 2014",
        {"people": 41, "recordings": 328},
    ),
    "bp4d-plus": Facts(
        "BP4D+: multimodal, ten tasks of which four are coded",
        "For research that is not commercial, under an agreement with Binghamton University.",
        "Zhang et al., Multimodal spontaneous emotion corpus for human behavior analysis, CVPR "
        "2016",
        {"people": 140},
    ),
    "unbc": Facts(
        "UNBC-McMaster: shoulder pain, ten AUs and PSPI",
        "For research that is not commercial, under an agreement with the corpus's owners.",
        "Lucey et al., Painful data: The UNBC-McMaster shoulder pain expression archive database, "
        "FG 2011",
        {"people": 25, "recordings": 200, "coded frames": 48398},
    ),
    "multipie": Facts(
        "MultiPIE: high-resolution frontal pictures, not coded",
        "For internal research, under a licence that Carnegie Mellon University sells.",
        "Gross et al., Multi-PIE, Image and Vision Computing 28(5), 2010",
        {"people": 337},
    ),
    "ck-plus": Facts(
        "CK+: posed sequences, the last frame of each coded",
        "For research that is not commercial, under an agreement with the corpus's owners.",
        "Lucey et al., The extended Cohn-Kanade dataset (CK+), CVPR Workshops 2010",
        {"people": 123, "recordings": 593, "coded frames": 593},
    ),
    "emotionet": Facts(
        "EmotioNet and lists like it: pictures with 0, 1 and 999",
        "For research that is not commercial, under an agreement with the Ohio State University.",
        "Benitez-Quiroz, Srinivasan and Martinez, EmotioNet: An accurate, real-time algorithm for "
        "the automatic annotation of a million facial expressions in the wild, CVPR 2016",
    ),
    "table": Facts("any table of pictures or video frames and their codes", "Your own.", ""),
}

Codes = Literal["richer", "intensity", "occurrence"]
_CODES = "richer: intensity where there is one, else occurrence; or only one of the two"


@dataclass(frozen=True)
class CorpusOptions:
    """Where a corpus lies, and what of it is read."""

    root: Path | None = field(
        default=None, metadata={"role": METHOD, "help": "folder of the corpus"}
    )
    uncoded: bool = field(
        default=False,
        metadata={
            "role": METHOD,
            "help": "read uncoded frames, instead of dropping them",
        },
    )
    shift: int = field(
        default=0,
        metadata={"role": METHOD, "help": "added to the frame numbers of the label files"},
    )
    manifest: Path | None = field(
        default=None,
        metadata={"role": METHOD, "help": "refuse other files than `aukit data check` found then"},
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
        default="left", metadata={"role": METHOD, "help": "whose videos; the labels are shared"}
    )
    landmarks: bool = field(
        default=False,
        metadata={"role": METHOD, "help": "the corpus's own 66 points, completed to 68"},
    )
    fold: str = field(
        default="disfa:1", metadata={"role": METHOD, "help": "who is tested; none: no one"}
    )


@dataclass(frozen=True)
class FoldedOptions(CorpusOptions):
    """A corpus without partitions of its own."""

    fold: str = field(
        default="1/3", metadata={"role": METHOD, "help": "who is tested; none: no one"}
    )


@dataclass(frozen=True)
class Bp4dOptions(CorpusOptions):
    """BP4D."""

    codes: Codes = field(default="richer", metadata={"role": METHOD, "help": _CODES})
    fold: str = field(
        default="bp4d:1", metadata={"role": METHOD, "help": "who is tested; none: no one"}
    )

    def __post_init__(self) -> None:
        _one_of(self.codes)


@dataclass(frozen=True)
class Bp4dPlusOptions(Bp4dOptions):
    """BP4D+."""

    fold: str = field(
        default="1/3", metadata={"role": METHOD, "help": "who is tested; none: no one"}
    )


@dataclass(frozen=True)
class MultiPieOptions(CorpusOptions):
    """MultiPIE."""

    pictures: Literal["highres", "multiview"] = field(
        default="highres",
        metadata={"role": METHOD, "help": "multiview: those of the frontal camera, 05_1"},
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
        default=False, metadata={"role": METHOD, "help": "the corpus's own 68 points"}
    )


@dataclass(frozen=True)
class TableOptions(FoldedOptions):
    """A table: one row a picture, or a frame of a video or of a folder of pictures."""

    pictures: Path | None = field(
        default=None,
        metadata={
            "role": METHOD,
            "help": "folder of the files that the table names; its own if none",
        },
    )
    file: str = field(
        default="", metadata={"role": METHOD, "help": "column with picture, video or folder"}
    )
    frame: str = field(
        default="", metadata={"role": METHOD, "help": "column with the frame number"}
    )
    first: int = field(
        default=0, metadata={"role": METHOD, "help": "the table's number of a video's first frame"}
    )
    subject: str = field(default="", metadata={"role": METHOD, "help": "column with the person"})
    task: str = field(
        default="", metadata={"role": METHOD, "help": "column with what the person did"}
    )
    view: str = field(default="", metadata={"role": METHOD, "help": "column with the view"})
    partition: str = field(
        default="", metadata={"role": METHOD, "help": "column with train, valid or test"}
    )
    aus: str = field(
        default="",
        metadata={
            "role": METHOD,
            "help": "AU columns where names do not tell: AU12=smile,AU04=frown",
            "whole": True,
        },
    )
    missing: str = field(
        default="9,-1,999",
        metadata={"role": METHOD, "help": "codes that mean: not coded", "whole": True},
    )
    kind: Literal["auto", "intensity", "occurrence"] = field(
        default="auto",
        metadata={"role": METHOD, "help": "what the AU columns hold; auto: their codes tell"},
    )
    fold: str = field(
        default="auto",
        metadata={
            "role": METHOD,
            "help": "who is tested; auto: 1/3 where the table has no partition column",
        },
    )


def _one_of(codes: str) -> None:
    if codes not in ("richer", "intensity", "occurrence"):
        raise ValueError("codes must be richer, intensity or occurrence")


_READERS: dict[str, tuple[str, type]] = {
    "fera17": ("fera17:Fera17", Fera17Options),
    "disfa": ("disfa:Disfa", DisfaOptions),
    "disfa-plus": ("disfa:DisfaPlus", FoldedOptions),
    "bp4d": ("bp4d:Bp4d", Bp4dOptions),
    "bp4d-plus": ("bp4d:Bp4dPlus", Bp4dPlusOptions),
    "unbc": ("unbc:Unbc", FoldedOptions),
    "multipie": ("stills:MultiPie", MultiPieOptions),
    "ck-plus": ("stills:CkPlus", CkPlusOptions),
    "emotionet": ("table:EmotioNet", TableOptions),
    "table": ("table:Table", TableOptions),
}


@hookimpl
def aukit_datasets() -> list[Component]:
    """One reader a corpus."""
    return [
        Component(
            kind="data",
            name=name,
            factory=f"aukit_corpora.{target}",
            config=options,
            summary=CORPORA[name].summary,
            presets={"quick": {}, "paper": {}},
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
            "Build a corpus of avatars in the layout of another.",
        )
    }
