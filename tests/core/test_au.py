"""The FACS table and how people write AUs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aukit import au
from aukit.errors import ConfigError

numbers = st.sampled_from(sorted(au.ACTION_UNITS))


def test_the_table_has_the_units_of_both_corpora() -> None:
    columns = {unit.column for unit in au.ACTION_UNITS.values()}
    assert set(au.FERA17_INTENSITY) | set(au.DISFA) <= columns
    assert au.FERA17_INTENSITY == ("AU01", "AU04", "AU06", "AU10", "AU12", "AU14", "AU17")
    assert len(au.DISFA) == 12


def test_six_levels_from_absent_to_maximum() -> None:
    assert au.LEVELS == ("0", "A", "B", "C", "D", "E")
    assert len(au.LEVELS) - 1 == au.MAX_LEVEL


@given(numbers, st.sampled_from(["{}", "AU{}", "au {}", " Au{} ", "AU_{}", "{:02d}", "AU{:02d}"]))
def test_every_spelling_of_an_au_is_understood(number: int, spelling: str) -> None:
    assert au.parse(spelling.format(number)) == au.column(number) == f"AU{number:02d}"


@pytest.mark.parametrize("text", ["", "AU", "3", "99", "AU100", "-1", "twelve", "AU12x", "1.0"])
def test_what_is_no_au_is_refused_with_the_known_ones(text: str) -> None:
    with pytest.raises(ConfigError, match="not a known action unit") as caught:
        au.parse(text)
    assert caught.value.hint is not None
    assert "known AUs: 1, 2, 4" in caught.value.hint


@given(st.lists(numbers))
def test_a_list_is_in_facs_order_without_doubles(chosen: list[int]) -> None:
    parsed = au.parse_list(str(number) for number in chosen)
    assert list(parsed) == [au.column(number) for number in sorted(set(chosen))]


@pytest.mark.parametrize("name", ["AU1", "AU012", "au01", "AU01_predicted", "AU01 ", "id"])
def test_other_columns_are_no_aus(name: str) -> None:
    assert not au.is_column(name)
    assert au.describe(name) == name


def test_a_column_is_described_by_its_facs_name() -> None:
    assert au.is_column("AU12")
    assert au.describe("AU12") == "AU12 lip corner puller"
    assert au.describe("AU99") == "AU99"
