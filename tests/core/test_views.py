"""Names of views."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aukit.errors import ConfigError
from aukit.views import FERA17, FRONTAL, parse_view, parse_views, view_name


def test_fera17_has_nine_views_and_the_sixth_is_frontal() -> None:
    assert len(set(FERA17)) == 9
    assert FERA17[5] == FRONTAL
    assert {yaw for _, yaw in FERA17} == {-40.0, 0.0, 40.0}
    assert {pitch for pitch, _ in FERA17} == {-40.0, -20.0, 0.0}


@given(pitch=st.integers(-90, 90), yaw=st.integers(-90, 90))
def test_names_of_views_come_back(pitch: int, yaw: int) -> None:
    assert parse_view(view_name((pitch, yaw))) == (pitch, yaw)


def test_several_views_are_told_apart_by_blanks() -> None:
    assert parse_views("0,0 -20,40 0,0") == (FRONTAL, (-20.0, 40.0))
    assert parse_views("fera17") == FERA17


@pytest.mark.parametrize("text", ["sideways", "10", "1,2,3", "nan,0"])
def test_what_is_no_view_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError, match="is not a view"):
        parse_views(text)


@pytest.mark.parametrize("text", ["", "  "])
def test_no_view_at_all_is_one_clear_error(text: str) -> None:
    with pytest.raises(ConfigError, match="no view"):
        parse_views(text)


def test_the_back_of_the_head_is_one_clear_error() -> None:
    with pytest.raises(ConfigError, match="away"):
        parse_views("0,120")
