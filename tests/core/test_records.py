"""The schema of an index: what an AU column holds, and codes that do not fit it."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from aukit.data.kinds import OCCURRENCE, AuKind, au_kinds
from aukit.data.records import check_index, index_schema
from aukit.errors import DataError
from aukit.store.files import read_table, write_table


def index(kinds: dict[str, AuKind], values: list[float | None]) -> pa.Table:
    count = len(values)
    columns = {
        "id": [f"x/{row}" for row in range(count)],
        "dataset": ["x"] * count,
        "subject": ["a"] * count,
        "AU06": values,
    }
    schema = index_schema(("AU06",), kinds)
    empty = [None] * count
    return pa.table([pa.array(columns.get(f.name, empty), f.type) for f in schema], schema=schema)


def test_an_au_is_an_intensity_unless_its_field_says_otherwise() -> None:
    schema = index_schema(("AU01", "AU02"), {"AU02": OCCURRENCE})
    assert au_kinds(schema) == {"AU01": "intensity", "AU02": "occurrence"}
    bare = pa.schema([pa.field("AU01", pa.float32()), pa.field("frame", pa.int64())])
    assert au_kinds(bare) == {"AU01": "intensity"}


def test_kinds_survive_a_file(tmp_path: Path) -> None:
    write_table(tmp_path / "index.parquet", index({"AU06": OCCURRENCE}, [0, 1, None]))
    assert au_kinds(read_table(tmp_path / "index.parquet")) == {"AU06": "occurrence"}


def test_an_occurrence_is_0_or_1() -> None:
    check_index(index({"AU06": OCCURRENCE}, [0, 1, None]))
    check_index(index({}, [0, 3.5, None]))
    with pytest.raises(DataError, match="AU06 is an occurrence"):
        check_index(index({"AU06": OCCURRENCE}, [0, 2]))


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(DataError, match="unknown kind 'presence'"):
        check_index(index({"AU06": "presence"}, [0]))  # type: ignore[dict-item]
