"""A balancer looks at the label table only and writes a plan. It never sees a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import pyarrow as pa


class Balancer(Protocol):
    """Plans the training set."""

    def plan(
        self, labels: pa.Table, sources: pa.Table, aus: tuple[str, ...], seed: int
    ) -> pa.Table:
        """Decide which real frames to use and which faces to synthesize.

        Args:
            labels: rows of training people: `id`, `subject`, `view`, `task` and the AU columns
                (null = not coded).
            sources: the same of the faces that may be synthesized; the same table, unless the
                synthesizer changes the faces of another dataset.
            aus: the AU columns to balance.
            seed: the plan is a function of the labels and this.

        Returns:
            a table in `aukit.data.records.plan_schema(aus)`: one row a request. `training_set`
            names the AU whose training set the row belongs to; `source` the frame; `count` how
            often it is used; `origin` is `real`, or `synthetic` with the target AUs in the AU
            columns.
        """
        ...
