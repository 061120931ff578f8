"""How long planning takes: 5,000 frames of each of 6 levels of 12 AUs, out of 100,000.

pytest tests/benchmarks/bench_plans.py -n0 -s

The paper's size (Niinuma et al. 2021, section 4.2.2) with DISFA's AUs, by every built-in balancer
and for resampling by view too. Balancers without a number of their own plan all frames. No plan may
take more than two seconds; on a busy machine, measure with
`--benchmark-timer=time.process_time`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from aukit.au import LISTS
from aukit.contracts.context import Context
from aukit.statistics.levels import level_uses
from aukit.views import FERA17, view_name
from aukit_resampling.plugin import aukit_balancers

AUS = LISTS["disfa"]
FRAMES, PER_LEVEL, LIMIT_S = 100_000, 5000, 2.0
SHARE = [0.9, 0.05, 0.03, 0.01, 0.007, 0.003]
OPTIONS: dict[str, dict[str, Any]] = {
    "resample": {"per_level": PER_LEVEL},
    "resample by view": {"per_level": 500, "per_view": True},
    "semantic": {"per_level": PER_LEVEL},
}
NAMES = [*(component.name for component in aukit_balancers()), "resample by view"]


@pytest.fixture(scope="module")
def labels() -> pa.Table:
    random = np.random.default_rng(0)
    views = [view_name(view) for view in FERA17]
    columns: dict[str, Any] = {
        "id": [f"bench/train/S{n % 41:02d}/T{n % 8}/{n:06d}" for n in range(FRAMES)],
        "subject": [f"S{n % 41:02d}" for n in range(FRAMES)],
        "view": [views[n % 9] for n in range(FRAMES)],
        "task": [f"T{n % 8}" for n in range(FRAMES)],
    }
    for name in AUS:
        columns[name] = pa.array(random.choice(6, FRAMES, p=SHARE).astype(np.float32))
    return pa.table(columns)


@pytest.mark.parametrize("name", NAMES)
def test_planning(benchmark: BenchmarkFixture, labels: pa.Table, name: str) -> None:
    component = next(c for c in aukit_balancers() if c.name == name.partition(" ")[0])
    balancer = component.load()(component.config(**OPTIONS.get(name, {})), Context())
    plan = benchmark.pedantic(balancer.plan, (labels, labels, AUS, 0), rounds=3)
    uses = level_uses(plan, AUS)
    wanted = {"resample": PER_LEVEL, "semantic": PER_LEVEL, "resample by view": 9 * 500}
    assert (uses == wanted[name]).all() if name in wanted else uses.sum() > 0
    benchmark.extra_info["uses"] = int(uses.sum())
    assert benchmark.stats.stats.min < LIMIT_S
