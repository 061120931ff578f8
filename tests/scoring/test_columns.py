"""Columns of other programs."""

from __future__ import annotations

import pytest

from aukit.data import records
from aukit.errors import DataError
from aukit.scoring.columns import recognise

OPENFACE = ["frame", " face_id", " timestamp", " confidence", " success", " AU01_r", " AU12_r",
            " AU01_c", " AU28_c"]  # fmt: skip
PYFEAT = ["input", "frame", "FaceRectX", "FaceScore", "AU01", "AU12", "anger"]
LIBREFACE = ["frame_idx", "frame_time_in_ms", "lm_mp_0_x", "au_1", "au_7", "au_1_intensity",
             "au_12_intensity"]  # fmt: skip


def test_openface_keeps_its_spaces() -> None:
    layout = recognise(OPENFACE, truth=False)
    assert layout.origin == "OpenFace"
    assert layout.intensity == {"AU01": " AU01_r", "AU12": " AU12_r"}
    assert layout.presence == {"AU01": " AU01_c", "AU28": " AU28_c"}
    assert layout.keys == {
        "frame": "frame",
        "face": " face_id",
        "confidence": " confidence",
        "success": " success",
    }


def test_py_feat_has_probabilities() -> None:
    layout = recognise(PYFEAT, truth=False)
    assert layout.origin == "py-feat"
    assert layout.presence == {"AU01": "AU01", "AU12": "AU12"}
    assert not layout.intensity
    assert layout.keys == {"task": "input", "frame": "frame", "confidence": "FaceScore"}


def test_libreface_has_presence_and_intensity() -> None:
    layout = recognise(LIBREFACE, truth=False)
    assert layout.origin == "LibreFace"
    assert layout.intensity == {"AU01": "au_1_intensity", "AU12": "au_12_intensity"}
    assert layout.presence == {"AU01": "au_1", "AU07": "au_7"}
    assert layout.keys["frame"] == "frame_idx"


def test_our_own_predictions_are_truth_and_estimate() -> None:
    names = records.prediction_schema(("AU01", "AU12")).names
    assert recognise(names, truth=True).intensity == {"AU01": "AU01", "AU12": "AU12"}
    estimates = {"AU01": "AU01_predicted", "AU12": "AU12_predicted"}
    assert recognise(names, truth=False).intensity == estimates
    index = recognise(records.index_schema(("AU04",)).names, truth=True)
    assert (index.origin, index.intensity) == ("aukit", {"AU04": "AU04"})


def test_plain_names_do_not_tell_the_scale() -> None:
    layout = recognise(["Frame", "AU1", "au_12", "AU04", "AU6_confidence", "Subject"], truth=True)
    assert layout.origin == "plain"
    assert layout.unknown == {"AU01": "AU1", "AU04": "AU04", "AU12": "au_12"}
    assert layout.keys == {"subject": "Subject", "frame": "Frame"}


def test_what_is_coded_as_occurrence_is_presence() -> None:
    layout = recognise(records.index_schema(("AU04", "AU12")).names, truth=True)
    known = layout.with_occurrences(["AU12"])
    assert (known.intensity, known.presence) == ({"AU04": "AU04"}, {"AU12": "AU12"})


def test_two_columns_of_one_name_are_refused() -> None:
    with pytest.raises(DataError, match="two columns are called 'id'"):
        recognise(["id", "AU1", "ID "], truth=True)
    assert recognise(["frame", "AU1", "note", "note"], truth=True).keys == {"frame": "frame"}
