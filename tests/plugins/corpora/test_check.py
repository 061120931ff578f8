"""`aukit data check` and `aukit data imitate`: what is found, the verdict, the exit code."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from aukit.cli.main import main
from aukit.errors import ConfigError
from aukit_corpora.actors import Cast
from aukit_corpora.imitate import BUILDERS, MARK, imitate

Imitation = Callable[[str], Path]


def check(corpus: str, root: Path, *more: str) -> tuple[int, list[str]]:
    line = ["data", "check", corpus, "--data.root", str(root), "--data.fold", "none", *more]
    if corpus in ("fera17", "multipie"):  # which have partitions of their own
        del line[5:7]
    return main(line), line


def copied(root: Path, tmp_path: Path) -> Path:
    """A copy that may be damaged."""
    shutil.copytree(root, tmp_path / "copy")
    return tmp_path / "copy"


def findings(corpus: str, root: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    check(corpus, root, "--json")
    found = json.loads(capsys.readouterr().out)
    return {one["what"]: one["count"] for one in found["findings"]}


@pytest.mark.parametrize("corpus", BUILDERS)
def test_every_corpus_can_be_checked(
    corpus: str, imitation: Imitation, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    sheet, root = tmp_path / "sheet.png", imitation(corpus)
    place = root / "list.csv" if corpus == "emotionet" else root
    code, _ = check(corpus, place, "--decode", "2", "--sheet", str(sheet), "--json")
    found = json.loads(capsys.readouterr().out)
    counts = {what: here for what, here, _ in found["counts"]}
    people = {"fera17": 6, "emotionet": 24}.get(corpus, 4)
    assert counts["people"] == people
    assert found["verdict"]
    assert code == (0 if found["usable"] else 1)
    with Image.open(sheet) as image:
        assert image.width > 100


def test_quirks_are_counted(imitation: Imitation, capsys: pytest.CaptureFixture[str]) -> None:
    found = findings("disfa", imitation("disfa"), capsys)
    assert found == {
        "duplicate label rows": 1,
        "coded twice, differently": 1,
        "missing label file of AU26": 1,
        "coded frames without a picture": 1,
        "frames without a code": 1,
    }


def test_a_constant_shift_is_found_and_mended_by_an_option(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("disfa"), tmp_path)
    for path in root.glob("ActionUnit_Labels/*/*.txt"):
        rows = [line.split(",") for line in path.read_text().split()]
        path.write_text("\n".join(f"{int(frame) - 1},{code}" for frame, code in rows))
    code, line = check("disfa", root, "--json")
    shown = capsys.readouterr().out
    assert code == 1
    assert "all labels are shifted by -1" in shown
    assert main([*line, "--data.shift", "1"]) == 0
    assert "shifted" not in capsys.readouterr().out


def test_a_label_file_cut_in_half_is_an_error(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("disfa"), tmp_path)
    path = root / "ActionUnit_Labels/SN001/SN001_au12.txt"
    path.write_bytes(path.read_bytes()[:-3])
    assert findings("disfa", root, capsys)["incomplete lines"] == 1
    assert check("disfa", root)[0] == 1


def test_a_label_file_cut_between_two_lines_is_shorter_than_its_neighbours(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("disfa"), tmp_path)
    path = root / "ActionUnit_Labels/SN001/SN001_au12.txt"
    path.write_text("\n".join(path.read_text().splitlines()[:3]))
    assert findings("disfa", root, capsys)["label file shorter than those of other AUs"] == 3


def test_labels_of_pictures_and_of_a_table_that_are_shifted_are_found(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("unbc"), tmp_path / "unbc")
    for path in sorted(root.glob("Frame_Labels/FACS/*/*/*.txt"), reverse=True):
        number = re.findall(r"(\d{3})_facs", path.name)[0]
        path.rename(path.with_name(path.name.replace(number, f"{int(number) + 1:03d}")))
    check("unbc", root)
    assert "all labels are shifted by +1" in capsys.readouterr().out
    main(["data", "check", "unbc", "--data.root", str(root), "--data.shift", "-1"])
    assert "shifted" not in capsys.readouterr().out
    films = copied(imitation("table"), tmp_path / "table")
    assert main(["data", "check", "table", "--data.root", str(films), "--data.first", "1"]) == 1
    assert "all labels are shifted by -1" in capsys.readouterr().out


def test_rows_that_contradict_each_other_are_counted_and_not_read(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("table"), tmp_path)
    text = (root / "labels.csv").read_text(encoding="utf-8").splitlines()
    other = text[1].rsplit(";", 1)[0] + (";A" if text[1].endswith("B") else ";B")
    (root / "labels.csv").write_text("\n".join([*text, text[2], other]), encoding="utf-8")
    found = findings("table", root, capsys)
    assert found["doubled rows"] == 2
    assert found["coded twice, differently"] == 1
    check("table", root, "--decode", "6")
    assert "no picture" not in capsys.readouterr().out, "it is not coded, hence not asked for"


def test_an_unreadable_video_and_unknown_codes_are_found(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("disfa"), tmp_path)
    (root / "Videos_LeftCamera/LeftVideoSN001_comp.avi").write_bytes(b"no video")
    (root / "Videos_LeftCamera/readme.txt").write_text("hello")
    path = root / "ActionUnit_Labels/SN001/SN001_au12.txt"
    path.write_text(path.read_text().replace("1,", "1,7", 1))
    found = findings("disfa", root, capsys)
    assert found["unreadable video"] == 1
    assert found["surplus files"] == 1
    assert any(what.startswith("unknown codes (7") for what in found)


def test_a_manifest_holds_later_runs_to_the_files(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, manifest = copied(imitation("unbc"), tmp_path), tmp_path / "unbc.json"
    assert check("unbc", root, "--write-manifest", str(manifest))[0] == 0
    moved = root.rename(tmp_path / "moved")
    held = ("--data.manifest", str(manifest))
    assert check("unbc", moved, *held)[0] == 0
    label = next(path for path in sorted(moved.rglob("*_facs.txt")) if path.stat().st_size)
    label.write_text(label.read_text().replace("e+00", "e+0 ", 1))
    capsys.readouterr()
    assert check("unbc", moved, *held)[0] == 4
    assert label.name in capsys.readouterr().err


@pytest.mark.parametrize(("corpus", "inside"), [
    ("disfa", "ActionUnit_Labels"), ("fera17", "train/int"), ("bp4d", "AUCoding"),
    ("unbc", "Images"), ("ck-plus", "FACS"), ("disfa-plus", "Labels"),
])  # fmt: skip
def test_a_root_too_high_or_too_low_is_recognised(
    corpus: str, inside: str, imitation: Imitation, capsys: pytest.CaptureFixture[str]
) -> None:
    root = imitation(corpus)
    for wrong in (root.parent, root / inside):
        assert check(corpus, wrong)[0] == 4
        assert f"did you mean {root}?" in capsys.readouterr().err


def test_a_table_beside_the_root_is_named(
    imitation: Imitation, capsys: pytest.CaptureFixture[str]
) -> None:
    root = imitation("table")
    for wrong in (root.parent, root / "films"):
        assert check("table", wrong)[0] == 4
        assert f"did you mean {root}?" in capsys.readouterr().err


def test_pictures_without_labels_are_recognised(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("disfa"), tmp_path)
    shutil.rmtree(root / "ActionUnit_Labels")
    assert check("disfa", root)[0] == 4
    assert "it lacks ActionUnit_Labels" in capsys.readouterr().err


def test_no_root_at_all_says_what_to_type(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "check", "disfa"]) == 2
    assert "--data.root" in capsys.readouterr().err


def test_two_folders_of_one_person_are_refused(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("unbc"), tmp_path)
    shutil.copytree(root / "Images/042-ll042", root / "Images/099-ll042")
    assert check("unbc", root)[0] == 4
    assert "042-ll042 and 099-ll042 are both folders of ll042" in capsys.readouterr().err


def test_pipes_and_links_that_loop_are_passed_over(
    imitation: Imitation, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = copied(imitation("multipie"), tmp_path)
    os.mkfifo(root / "highres" / "001_01_09.png")
    (root / "highres" / "loop").symlink_to(root, target_is_directory=True)
    (root / "highres" / "self").symlink_to(root / "highres" / "self")
    clean = findings("multipie", imitation("multipie"), capsys)
    assert findings("multipie", root, capsys) == clean
    bare = copied(imitation("disfa"), tmp_path / "b")
    os.mkfifo(bare / "Videos_LeftCamera" / "pipe.avi")
    assert findings("disfa", bare, capsys) == findings("disfa", imitation("disfa"), capsys)


def test_an_imitation_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(ConfigError, match="is not empty"):
        imitate("disfa", tmp_path, Cast(4))
    assert (tmp_path / "mine.txt").read_text() == "precious"
    with pytest.raises(ConfigError, match="no imitation of 'disfa2'"):
        imitate("disfa2", tmp_path / "new", Cast(4))


@pytest.mark.slow
@pytest.mark.skipif("AUKIT_SLOW" not in os.environ, reason="renders avatars; set AUKIT_SLOW=1")
def test_the_command_builds_avatars(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "table"
    line = ["data", "imitate", "table", "-o", str(folder), "--people", "3", "--frames", "6"]
    assert main([*line, "--size", "64"]) == 0
    assert "--data table --data.root" in capsys.readouterr().out
    assert (folder / MARK).is_file()
    assert check("table", folder)[0] == 0
