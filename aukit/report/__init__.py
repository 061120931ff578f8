"""Self-contained HTML reports: they work offline and contact nothing."""

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
