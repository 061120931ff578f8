"""dlib's network tells people apart, where it is installed."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from aukit.contracts.context import Context
from aukit.errors import MissingWeights
from aukit.registry.loading import Registry
from aukit.testing.drawn import DrawnFaces
from aukit_judges.plugin import DlibConfig


def test_without_dlib_the_component_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    component = Registry().find("judge", "dlib")
    assert "pip install dlib-bin" in component.install_hint
    monkeypatch.setitem(sys.modules, "dlib", ModuleType("dlib"))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    sys.modules.pop("aukit_judges.identity", None)
    from aukit_judges.identity import DlibJudge

    with pytest.raises(MissingWeights, match="face_recognition_models is not installed"):
        DlibJudge(DlibConfig(), Context())
    sys.modules.pop("aukit_judges.identity", None)


def test_the_network_is_found_in_its_package_without_importing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "face_recognition_models"
    (package / "models").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    file = package / "models" / "dlib_face_recognition_resnet_model_v1.dat"
    file.write_bytes(b"network")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(sys.modules, "dlib", ModuleType("dlib"))
    sys.modules.pop("aukit_judges.identity", None)
    from aukit_judges.identity import packaged

    assert packaged() == file
    sys.modules.pop("aukit_judges.identity", None)


def test_one_face_is_nearer_to_itself_than_to_others() -> None:
    pytest.importorskip("dlib")
    from aukit_judges.identity import DlibJudge

    try:
        judge = DlibJudge(DlibConfig(), Context())
    except MissingWeights as error:
        pytest.skip(str(error))
    batch = DrawnFaces(3).batch(range(3))
    seen = judge.look(batch.images, batch.landmarks)
    assert seen.shape == (3, 128)
    assert judge.look(batch.images, batch.landmarks).equal(seen)
