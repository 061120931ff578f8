"""Opinions of other programs find the pictures that they are about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from aukit.components import Component
from aukit.config.choice import Choice
from aukit.contracts.context import Context
from aukit.errors import DataError, MissingWeights
from aukit.score_card.judges import Seat
from aukit.vision.fingerprint import fingerprint
from aukit.vision.images import encode, read
from aukit_judges.outputs import OutputsJudge
from aukit_judges.plugin import OutputsConfig

CHOICE = Choice(Component("judge", "j", "a:B", Choice, "j"), None)


@pytest.fixture
def faces() -> Tensor:
    random = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (3, 3, 8, 8), generator=random, dtype=torch.uint8)


def judge(path: Path, **options: Any) -> OutputsJudge:
    return OutputsJudge(OutputsConfig(str(path), **options), Context())


def look(path: Path, faces: Tensor, **options: Any) -> tuple[tuple[str, ...], Tensor]:
    found = judge(path, **options)
    return found.names, found.look(faces, torch.zeros(len(faces), 68, 2))


def test_a_table_by_picture(faces: Tensor, tmp_path: Path) -> None:
    names = [fingerprint(face) for face in faces]
    table = tmp_path / "jaa.csv"
    table.write_text(
        f"image,AU1,AU12\nfolder/{names[1]}.png,0,1\n{names[0]}.jpg,1,\nunknown.png,1,1\n"
    )
    aus, found = look(table, faces)
    assert aus == ("AU01", "AU12")
    expected = torch.tensor([[1, torch.nan], [0, 1], [torch.nan, torch.nan]])
    torch.testing.assert_close(found, expected, equal_nan=True)
    assert judge(table).cuts == {"AU01": 0.5, "AU12": 0.5}
    assert judge(table, kind="intensity").cuts == {}
    _, found = look(table, faces, kind="intensity", scale=5)
    torch.testing.assert_close(found, 5 * expected, equal_nan=True)


def test_a_probability_is_cut_where_the_detector_cuts_it(faces: Tensor, tmp_path: Path) -> None:
    table = tmp_path / "jaa.csv"
    rows = [
        f"{fingerprint(face)},{value}" for face, value in zip(faces, (0.45, 0.5, 0.9), strict=True)
    ]
    table.write_text("\n".join(["image,AU12", *rows]))
    seat = Seat("outputs", judge(table), CHOICE)
    seen = seat.look(faces, torch.zeros(3, 68, 2))
    assert seat.presence(seen, "AU12", 2.0).tolist() == [0, 1, 1]
    seat = Seat("outputs", judge(table, cut=0.6), CHOICE)
    assert seat.presence(seen, "AU12", 2.0).tolist() == [0, 0, 1]


def test_numbers_above_one_are_no_probabilities(faces: Tensor, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"image,AU12\n{fingerprint(faces[0])},2\n")
    assert judge(table).cuts == {}
    with pytest.raises(DataError, match="numbers above 1"):
        look(table, faces, kind="presence")


def test_openface_writes_a_file_a_picture(faces: Tensor, tmp_path: Path) -> None:
    for number, face in enumerate(faces):
        text = f"face, confidence, AU04_r, AU04_c, AU28_c\n0, 0.98, {number + 0.5}, 1, 0\n"
        (tmp_path / f"{fingerprint(face)}.csv").write_text(text)
    aus, found = look(tmp_path, faces)
    assert aus == ("AU04", "AU04_present", "AU28")
    assert found.tolist() == [[0.5, 1, 0], [1.5, 1, 0], [2.5, 1, 0]]
    seat = Seat("outputs", judge(tmp_path), CHOICE)
    assert seat.detects == ("AU04", "AU28")
    # What OpenFace calls present counts, whatever the intensity.
    assert seat.presence(found, "AU04", 2.0).tolist() == [1, 1, 1]
    assert seat.presence(found, "AU28", 2.0).tolist() == [0, 0, 0]


def test_openface_writes_a_file_a_folder(faces: Tensor, tmp_path: Path) -> None:
    for face, content in zip(faces, encode(faces), strict=True):
        (tmp_path / f"{fingerprint(face)}.png").write_bytes(content)
    order = sorted(range(3), key=lambda row: fingerprint(faces[row]))
    rows = [f"{n + 1}, 0.0, {int(n != 2)}, {n}.0" for n in range(3)]
    table = tmp_path / "all.csv"
    table.write_text("\n".join(["frame, timestamp, success, AU12_r", *rows]))
    _, found = look(table, faces)
    expected = torch.full((3, 1), torch.nan)
    expected[order[0]], expected[order[1]] = 0, 1
    torch.testing.assert_close(found, expected, equal_nan=True)


def test_a_picture_keeps_its_name_through_a_file(faces: Tensor, tmp_path: Path) -> None:
    (tmp_path / "x.png").write_bytes(encode(faces[:1])[0])
    again = read(tmp_path / "x.png").image
    assert again is not None
    assert fingerprint(again) == fingerprint(faces[0])
    assert fingerprint(faces[0]) != fingerprint(faces[1])
    assert fingerprint(faces[0].reshape(3, 4, 16)) != fingerprint(faces[0])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("image,smile\nx.png,1\n", "has no AU columns"),
        ("AU12_r\n1\n2\n", "there is no column with the picture"),
        ("image,AU12\nx.png,high\n", "column AU12 has 'high'"),
        ("frame,AU12_r\n1,2\n5,3\n", "frame 1 is not one of the 0 pictures beside it"),
        ("frame,AU12_r\none,2\ntwo,3\n", "frame one is not one of the 0 pictures beside it"),
    ],
)
def test_tables_that_mean_nothing_are_refused(
    faces: Tensor, tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(DataError, match=complaint):
        look(tmp_path / "t.csv", faces)


def test_a_file_that_is_no_text_is_refused(faces: Tensor, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("image,AU12\nx.png,1\n".encode("utf-16"))
    with pytest.raises(DataError, match=r"t\.csv is not a table"):
        look(tmp_path / "t.csv", faces)


def test_what_goes_beyond_the_header_is_left_out(faces: Tensor, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(f"image,AU12\n{fingerprint(faces[0])}.png,2,9,9\n")
    assert look(tmp_path / "t.csv", faces)[1][0].tolist() == [2.0]


def test_outputs_that_are_not_there_are_missed(faces: Tensor, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="finds no outputs at ''"):
        OutputsJudge(OutputsConfig(), Context())
