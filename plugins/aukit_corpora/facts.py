"""Facts about each corpus: terms, citation, published numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Facts:
    """Facts about a corpus.

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
