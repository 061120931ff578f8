"""One self-contained HTML page about a run: opens offline and contacts nothing."""

from aukit.report.data import (
    Choice,
    Curve,
    Distribution,
    ImageGroup,
    Licence,
    Partition,
    ReportData,
    Setting,
    Stage,
)
from aukit.report.page import render, write_report

__all__ = [
    "Choice",
    "Curve",
    "Distribution",
    "ImageGroup",
    "Licence",
    "Partition",
    "ReportData",
    "Setting",
    "Stage",
    "render",
    "write_report",
]
