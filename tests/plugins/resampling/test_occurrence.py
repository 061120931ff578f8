"""Plans of AUs that are present or absent: two levels, not six."""

from __future__ import annotations

from collections import Counter

import pyarrow.compute as pc
import pytest

from aukit.contracts.context import Context
from aukit.data.kinds import OCCURRENCE, with_kinds
from aukit.testing.drawn import label_table
from aukit_resampling.balancers import EMPTY_LEVELS, Resample
from aukit_resampling.plugin import ResampleConfig, SemanticConfig
from aukit_resampling.semantic import Semantic

AUS = ("AU01", "AU12")


@pytest.mark.parametrize("synthetic", [False, True])
def test_equally_many_with_and_without(synthetic: bool) -> None:
    labels = label_table(aus=AUS)
    place = labels.column_names.index("AU12")
    shown = pc.cast(pc.greater_equal(labels["AU12"], 2), "float")
    labels = with_kinds(labels.set_column(place, "AU12", shown), {"AU12": OCCURRENCE})
    balancer = (
        Semantic(SemanticConfig(per_level=7), Context())
        if synthetic
        else Resample(ResampleConfig(per_level=7), Context())
    )
    plan = balancer.plan(labels, labels, AUS, 0)
    uses: Counter[tuple[str, int]] = Counter()
    for row in plan.select(["training_set", "level", "count"]).to_pylist():
        uses[row["training_set"], row["level"]] += row["count"]
    expected = {("AU12", 0): 7, ("AU12", 1): 7} | {("AU01", level): 7 for level in range(6)}
    assert uses == expected
    assert b"AU12" not in plan.schema.metadata.get(EMPTY_LEVELS, b"")
