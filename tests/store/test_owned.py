"""aukit deletes and replaces what it made and marked, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

from aukit.errors import ConfigError, StorageError
from aukit.store.files import ensure_writable, file_name, write_aside, write_text
from aukit.store.owned import Output, refuse_foreign, remember, writing


def make(path: Path, text: str) -> None:
    with writing(path):
        write_text(path, text)


def test_what_aukit_made_is_replaced(tmp_path: Path) -> None:
    make(tmp_path / "a.txt", "one")
    make(tmp_path / "a.txt", "two")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "two"


def test_what_somebody_made_or_changed_is_not(tmp_path: Path) -> None:
    (tmp_path / "own.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="aukit did not make it"):
        make(tmp_path / "own.txt", "x")
    make(tmp_path / "a.txt", "one")
    (tmp_path / "a.txt").write_text("corrected by hand", encoding="utf-8")
    with pytest.raises(ConfigError, match="changed"):
        make(tmp_path / "a.txt", "two")
    assert (tmp_path / "own.txt").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "corrected by hand"


def test_a_command_that_was_killed_while_it_wrote_can_be_given_again(tmp_path: Path) -> None:
    block = writing(tmp_path / "a.txt")
    block.__enter__()  # and never left: the process was killed
    write_text(tmp_path / "a.txt", "half of the results")
    make(tmp_path / "a.txt", "all of them")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "all of them"


def test_what_is_read_is_not_written(tmp_path: Path) -> None:
    make(tmp_path / "tables" / "a.csv", "made by aukit, and read now")
    for read in (tmp_path / "tables" / "a.csv", tmp_path / "tables"):
        with pytest.raises(ConfigError, match="would be overwritten"):
            refuse_foreign(tmp_path / "tables" / "a.csv", [read])
    refuse_foreign(tmp_path / "tables" / "b.csv", [tmp_path / "tables"])


def test_links_and_devices_are_no_files_of_aukit(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "target")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "link", tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(StorageError, match="not a regular file"), write_aside(path):
            pass
        with pytest.raises(ConfigError):
            refuse_foreign(path)
    assert (tmp_path / "link").is_symlink()


def test_files_of_others_stay_when_old_results_go(tmp_path: Path) -> None:
    for name in ("old.txt", "changed.txt"):
        make(tmp_path / name, "made by aukit")
    (tmp_path / "changed.txt").write_text("now somebody's", encoding="utf-8")
    (tmp_path / "own.txt").write_text("mine", encoding="utf-8")
    Output(tmp_path).remove(["old.txt", "changed.txt", "own.txt"])
    assert {path.name for path in tmp_path.glob("*.txt")} == {"changed.txt", "own.txt"}


def test_only_one_command_of_a_kind_works_in_a_folder(tmp_path: Path) -> None:
    with (
        Output(tmp_path).alone("align") as work,
        pytest.raises(StorageError, match="another `aukit align` is writing"),
        Output(tmp_path).alone("align"),
    ):
        pass
    assert not work.exists()


def test_a_lock_of_somebody_else_is_no_obstacle_for_ever(tmp_path: Path) -> None:
    with FileLock(tmp_path / "lock"):
        make(tmp_path / "a.txt", "one")


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"files": 3}', '{"files": {"a.txt": "x"}}'])
def test_a_damaged_list_makes_nothing_aukits(tmp_path: Path, damage: str) -> None:
    make(tmp_path / "a.txt", "one")
    (tmp_path / ".aukit" / "made.json").write_text(damage, encoding="utf-8")
    with pytest.raises(ConfigError):
        refuse_foreign(tmp_path / "a.txt")


def test_a_file_called_as_the_mark_is_left(tmp_path: Path) -> None:
    (tmp_path / ".aukit").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="is not aukit's folder"):
        make(tmp_path / "a.txt", "one")
    assert (tmp_path / ".aukit").read_text(encoding="utf-8") == "mine"


def test_a_folder_is_filled_with_one_thing(tmp_path: Path) -> None:
    remember(tmp_path / "out" / "dataset.json", {"seed": 0}, "frames")
    remember(tmp_path / "out" / "dataset.json", {"seed": 0}, "frames")
    with pytest.raises(ConfigError, match="frames with other settings"):
        remember(tmp_path / "out" / "dataset.json", {"seed": 1}, "frames")
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "frames-00000.parquet").write_bytes(b"mine")
    with pytest.raises(ConfigError, match="did not make"):
        remember(tmp_path / "own" / "dataset.json", {"seed": 0}, "frames")


def test_proving_that_a_folder_can_be_written_leaves_its_files(tmp_path: Path) -> None:
    (tmp_path / ".writable").write_text("mine", encoding="utf-8")
    ensure_writable(tmp_path)
    assert (tmp_path / ".writable").read_text(encoding="utf-8") == "mine"


def test_the_longest_name_that_a_file_may_have_is_written(tmp_path: Path) -> None:
    name = file_name("ä" * 200, ".png")
    assert len(name.encode()) <= 255
    write_text(tmp_path / name, "x")
    assert [path.name for path in tmp_path.iterdir()] == [name]
