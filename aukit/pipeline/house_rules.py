"""The rules that keep people apart, checked on the rows of each stage.

Plugins and stages do not have to enforce them; a run that breaks one stops here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from aukit.data.records import SYNTHETIC, TEST, VALID, person_keys
from aukit.errors import LeakageError
from aukit.faces.stored import read_rows, shards
from aukit.faces.views import without_view


def hold(folder: Path, inputs: Iterable[Path]) -> None:
    """Check the faces of a stage; results without faces are not checked.

    - A synthetic face has its parent's person, and so its parent's partition.
    - Validation and test partitions hold no synthetic faces.

    Args:
        folder: result of the stage.
        inputs: results the stage was computed from; they hold the parents.

    Raises:
        LeakageError: a rule is broken; the message names the first face that breaks it.
    """
    if not shards(folder):
        return
    rows = read_rows(folder)
    synthetic = rows.filter(pc.equal(rows.column("origin"), SYNTHETIC))
    if synthetic.num_rows == 0:
        return
    _refuse_scored(synthetic)
    _refuse_strangers(synthetic, _people([path for path in inputs if shards(path)]))


def _refuse_scored(synthetic: pa.Table) -> None:
    scored = pc.is_in(synthetic.column("partition"), pa.array([VALID, TEST]))
    for name in synthetic.filter(scored).column("id").to_pylist()[:1]:
        raise LeakageError(f"synthetic face {name} is in the validation or test partition")


def _refuse_strangers(synthetic: pa.Table, people: Mapping[str, str]) -> None:
    columns = (synthetic.column(name).to_pylist() for name in ("id", "parent", "view"))
    for name, parent, view, person in zip(*columns, person_keys(synthetic), strict=True):
        # A face shown in another view derives from a synthetic face with the id minus the view.
        known = people.get(parent, people.get(without_view(name, view)))
        if known != person:
            raise LeakageError(
                f"synthetic face {name} is of {person}, but its parent {parent} is of {known}"
            )


def _people(folders: Iterable[Path]) -> dict[str, str]:
    """Face id -> person."""
    found: dict[str, str] = {}
    for rows in map(read_rows, folders):
        found.update(zip(rows.column("id").to_pylist(), person_keys(rows), strict=True))
    return found


def refuse_shared_people(folders: Iterable[tuple[str, Path]]) -> None:
    """Refuse partitions that share a person.

    Args:
        folders: (partition, stage folder of registered faces) pairs.

    Raises:
        LeakageError: a person is in two partitions.
    """
    seen: dict[str, str] = {}
    for partition, folder in folders:
        for person in sorted(set(person_keys(read_rows(folder)))):
            if seen.setdefault(person, partition) != partition:
                raise LeakageError(f"person {person} is in both {seen[person]} and {partition}")
