"""Print the tables of the documentation that follow from the code.

python plugins/aukit_avatars/scripts/tables.py
"""

from __future__ import annotations

import numpy as np

from aukit.au import LEVELS, describe
from aukit_avatars.actions import AUS, TABLE
from aukit_avatars.sequences import DOMAIN_RATES, EXPRESSIONS, TASKS, perform


def muscles() -> str:
    """AU -> shapes and weights at full strength."""
    lines = ["| AU | shapes and their weights at level E |", "|---|---|"]
    for au, shapes in TABLE.items():
        parts = ", ".join(f"{name} {weight:g}" for name, weight in shapes.items())
        lines.append(f"| {describe(au)} | {parts} |")
    return "\n".join(lines)


def expressions() -> str:
    """Expression -> shares of its AUs, and how often it starts in a minute of every task."""
    lines = [
        "| expression | AUs and their shares of the peak | " + " | ".join(TASKS) + " | in b |",
        "|---" * (len(TASKS) + 3) + "|",
    ]
    for name, shares in EXPRESSIONS.items():
        parts = ", ".join(_part(int(au[2:]), share) for au, share in shares.items())
        rates = " | ".join(f"{rates[name]:g}" if name in rates else "" for rates in TASKS.values())
        factor = DOMAIN_RATES["b"].get(name)
        lines.append(f"| {name} | {parts} | {rates} | {'' if factor is None else f'x{factor:g}'} |")
    return "\n".join(lines)


def base_rates(people: int = 41, frames: int = 450, rate: float = 25.0) -> str:
    """Share of the frames at every level, percent, over the training people of `paper`."""
    lines = [
        "| AU | " + " | ".join(LEVELS) + " | 0 in b | D, E in b | 0 lively | D, E lively |",
        "|---" * (len(LEVELS) + 5) + "|",
    ]
    names = [f"train/{'MF'[n % 2]}{(n + 1) // 2:03d}" for n in range(1, people + 1)]
    kinds = (("a", False), ("b", False), ("a", True))
    levels = [
        np.concatenate(
            [
                perform(0, who, task, frames, rate, domain, lively=lively).levels
                for who in names
                for task in TASKS
            ]
        )
        for domain, lively in kinds
    ]
    for column, au in enumerate(AUS):
        first, *others = (
            [100 * float((table[:, column] == level).mean()) for level in range(6)]
            for table in levels
        )
        cells = [*first, *(cell for other in others for cell in (other[0], other[4] + other[5]))]
        lines.append(f"| {describe(au)} | " + " | ".join(_percent(cell) for cell in cells) + " |")
    return "\n".join(lines)


def _part(number: int, share: float) -> str:
    return f"{number}" if share == 1 else f"{number} ({share:g})"


def _percent(value: float) -> str:
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def main() -> None:
    """Print all tables."""
    print(muscles(), expressions(), base_rates(), sep="\n\n")


if __name__ == "__main__":
    main()
