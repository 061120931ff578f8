"""A balancer makes a plan from the label table only; it never sees pixels."""

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
            sources: the same for faces that may be synthesized from; it is the same table unless
                the synthesizer uses another dataset.
            aus: the AU columns to balance.
            seed: the plan depends only on the labels and this seed.

        Returns:
            a table in `aukit.data.records.plan_schema(aus)`: one row per request. `training_set`
            names the AU whose training set the row belongs to; `source` the frame; `count` how
            often it is used; `origin` is `real`, or `synthetic` with the target AUs in the AU
            columns.
        """
        ...
