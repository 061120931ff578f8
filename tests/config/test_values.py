"""Typed options: what text and TOML mean, and what is refused with which words."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aukit.cli.texts import show
from aukit.components import Component
from aukit.config.choice import Choice, build
from aukit.config.files import read_file
from aukit.config.values import Value, coerce, plain, spell
from aukit.errors import ConfigError

MODE = Literal["all", "stable", 3]


@dataclass(frozen=True)
class Options:
    size: int = 224
    rate: float = 0.5
    mode: MODE = "all"
    levels: tuple[int, ...] = (1, 2)
    limit: int | None = None
    where: Path = Path("x")
    name: str = ""
    on: bool = False
    numbers: tuple[int, ...] = field(default_factory=lambda: (7,))

    def __post_init__(self) -> None:
        if self.size % 16:
            raise ValueError("size must be a multiple of 16")


RECORD = Component("aligner", "mine", "a:B", Options, "test", distribution="d", version="1")


@pytest.mark.parametrize(
    ("raw", "annotation", "expected"),
    [
        ("64", int, 64),
        (64, int, 64),
        ("1e-3", float, 0.001),
        (1, float, 1.0),
        ("yes", bool, True),
        ("Off", bool, False),
        (True, bool, True),
        ("3", str, "3"),
        (3, str, "3"),
        ("a/b", Path, Path("a/b")),
        ("stable", MODE, "stable"),
        ("3", MODE, 3),
        ("1, 2,12", tuple[int, ...], (1, 2, 12)),
        ([1, 2], tuple[int, ...], (1, 2)),
        (5, tuple[int, ...], (5,)),
        ("", tuple[int, ...], ()),
        ("0.5,1", tuple[float, float], (0.5, 1.0)),
        ("none", int | None, None),
        (None, int | None, None),
        ("7", int | None, 7),
        ("x", int | str, "x"),
    ],
)
def test_values_are_understood(raw: Any, annotation: Any, expected: Any) -> None:
    found = coerce(raw, annotation, "here")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("raw", "annotation", "expected"),
    [
        ("1.5", int, "a whole number"),
        (1.0, int, "a whole number"),
        (True, int, "a whole number"),
        ("x", float, "a number"),
        (False, float, "a number"),
        ("nan", float, "a finite number"),
        ("inf", float, "a finite number"),
        ("maybe", bool, "true or false"),
        (2, bool, "true or false"),
        ("al", MODE, "one of all, stable, 3"),
        ("1,x", tuple[int, ...], "a whole number"),
        ("1", tuple[int, int], "2 values"),
        (True, str, "text"),
        ([1], str, "text"),
        (3, Path, "path"),
        ("x", int | None, "a whole number"),
        ("none", int, "a whole number"),
    ],
)
def test_other_values_are_refused_with_what_is_accepted(
    raw: Any, annotation: Any, expected: str
) -> None:
    with pytest.raises(ConfigError, match=r"^here: ") as caught:
        coerce(raw, annotation, "here")
    assert expected in caught.value.message
    assert repr(raw) in caught.value.message or "x" in caught.value.message


# No subnormal numbers: some numeric libraries switch them off for the whole process.
values = st.one_of(
    st.tuples(st.just(int), st.integers()),
    st.tuples(
        st.just(float), st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
    ),
    st.tuples(st.just(bool), st.booleans()),
    st.tuples(st.just(int | None), st.none() | st.integers()),
    st.tuples(st.just(tuple[int, ...]), st.lists(st.integers(), min_size=1).map(tuple)),
    st.tuples(st.just(MODE), st.sampled_from(["all", "stable", 3])),
)


@given(values)
def test_what_is_shown_can_be_typed(case: tuple[Any, Any]) -> None:
    annotation, value = case
    assert coerce(show(value), annotation, "here") == value


@given(values)
def test_json_values_come_back(case: tuple[Any, Any]) -> None:
    annotation, value = case
    assert coerce(plain(value), annotation, "here") == value


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (int, "integer"),
        (MODE, "all | stable | 3"),
        (tuple[int, ...], "integer,..."),
        (tuple[float, float], "number,number"),
        (int | None, "integer | none"),
        (bool, "true|false"),
    ],
)
def test_types_are_spelled_for_people(annotation: Any, expected: str) -> None:
    assert spell(annotation) == expected


def test_later_layers_win_and_origins_are_remembered() -> None:
    layers = [
        {"size": Value(64, "preset quick"), "rate": Value(0.1, "preset quick")},
        {"size": Value("32", "command line")},
    ]
    options, origins = build(RECORD, layers)
    assert options == Options(size=32, rate=0.1)
    assert origins["size"] == "command line"
    assert origins["rate"] == "preset quick"
    assert origins["mode"] == "default"
    assert set(origins) == set(vars(options))


def test_an_unknown_option_gets_a_near_miss() -> None:
    with pytest.raises(ConfigError, match="mine has no option 'sise'") as caught:
        build(RECORD, [{"sise": Value(1, "run.toml")}])
    assert caught.value.hint == "did you mean 'size'?"


def test_a_refused_value_names_option_and_origin() -> None:
    with pytest.raises(ConfigError, match=r"^mine\.size \(run\.toml\): 'big' is not a whole"):
        build(RECORD, [{"size": Value("big", "run.toml")}])


def test_the_components_own_rules_hold() -> None:
    with pytest.raises(ConfigError, match=r"^mine: size must be a multiple of 16$"):
        build(RECORD, [{"size": Value(3, "command line")}])


def test_a_choice_is_told_by_full_name_version_and_plain_options() -> None:
    told = Choice(RECORD, Options(where=Path("a") / "b")).to_json()
    assert told["name"] == "d/mine"
    assert told["code"] == "1"
    assert told["options"]["where"] == "a/b"
    assert told["options"]["numbers"] == [7]


def test_a_choice_of_a_file_changes_with_the_file(tmp_path: Path) -> None:
    choice = Choice(RECORD, Options(where=tmp_path / "weights"))
    absent = choice.to_json()
    (tmp_path / "weights").write_bytes(b"old")
    old = choice.to_json()
    assert old == choice.to_json() != absent
    (tmp_path / "weights").write_bytes(b"newer")
    assert choice.to_json() != old
    assert choice.to_json()["options"] == old["options"]


def test_run_files_are_toml_or_json(tmp_path: Path) -> None:
    toml, json = tmp_path / "run.toml", tmp_path / "run.json"
    toml.write_text('seed = 1\n[aligner]\nname = "2d"\n', encoding="utf-8")
    json.write_text('{"seed": 1, "aligner": {"name": "2d"}}', encoding="utf-8")
    assert read_file(toml) == read_file(json) == {"seed": 1, "aligner": {"name": "2d"}}


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("absent.toml", None, "cannot read run file"),
        ("a.toml", b"seed = ", "not a valid run file"),
        ("a.toml", b"\xff\xfe\x00", "not a valid run file"),
        ("a.json", b"[1]", "must be a table"),
        ("a.json", b"{", "not a valid run file"),
    ],
)
def test_a_bad_run_file_is_named(
    tmp_path: Path, name: str, content: bytes | None, complaint: str
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=complaint) as caught:
        read_file(path)
    assert str(path) in caught.value.message
