"""Built-in components on a device that is not the CPU: nothing mixes, and the results are the same.

Every component of these kinds is looked up, so that a new one is tried too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from aukit.components import Component
from aukit.contracts.context import Context
from aukit.contracts.estimator import TrainingSet
from aukit.contracts.labels import Labels
from aukit.contracts.landmarker import MEDIAPIPE478
from aukit.contracts.session import Session
from aukit.errors import MissingWeights
from aukit.registry.loading import Registry
from aukit.testing import Subject
from aukit.testing.drawn import DrawnFaces, face_of
from aukit.testing.heads import turned_heads
from aukit.vision.raster import rasterize
from aukit_mediapipe.canonical import template

GAN = {"size": 16, "width": 4, "blocks": 1, "critic_width": 4, "depth": 2, "epochs": 1}
OPTIONS: dict[str, dict[str, Any]] = {
    "features": {"weights": "none", "size": 64},
    "vgg16": {"size": 48, "epochs": 1},
    "torchvision": {"size": 48, "batch": 8, "epochs": 1},
    "ganimation": GAN,
    "ganimation-ids": GAN,
    "lacgan": {"size": 16, "width": 2, "latent": 4, "batch": 4, "epochs": 1},
}
ROWS = range(4)


def builtins(kind: str) -> list[Any]:
    """The components of a kind that come with aukit."""
    found = Registry().components
    mine = [c for c in found if c.kind == kind and c.distribution == "aukit-facs"]
    return [pytest.param(component, id=component.name) for component in mine]


def made(component: Component, device: str) -> Any:
    options = OPTIONS.get(component.name, {})
    return Subject(component, options, context=Context(device=device)).make()


def session(tmp_path: Path, device: str) -> Session:
    folder = tmp_path / device
    folder.mkdir()
    return Session(folder, device=device)


@pytest.mark.parametrize("component", builtins("aligner"))
def test_aligners(component: Component, device: str) -> None:
    images, faces = turned_heads(template(), MEDIAPIPE478, extra=10)
    if component.name != "facemesh":
        drawn = DrawnFaces(4, size=128).batch(ROWS)
        images, faces = list(drawn.images), [face_of(points) for points in drawn.landmarks[:, None]]
    results = [made(component, d).align(images, faces) for d in ("cpu", device)]
    assert results[0].reasons == results[1].reasons
    assert None in results[0].reasons or component.name == "prnet"
    for name in ("images", "valid", "transforms", "landmarks"):
        here, there = (getattr(result, name).cpu() for result in results)
        torch.testing.assert_close(here.float(), there.float(), atol=1.0, rtol=1e-3)


def test_views_of_a_mesh(device: str) -> None:
    (component,) = (c for c in Registry().components if c.name == "facemesh")
    images, faces = turned_heads(template(), MEDIAPIPE478, extra=10)
    views = ((0.0, 0.0), (10.0, 30.0))
    here, there = (made(component, d).views(images, faces, views) for d in ("cpu", device))
    for first, second in zip(here, there, strict=True):
        assert first.reasons == second.reasons
        differs = (first.images.float() - second.images.cpu().float()).abs() > 1
        assert differs.float().mean() < 1e-3


@pytest.mark.parametrize("component", builtins("estimator"))
def test_estimators(component: Component, tmp_path: Path, device: str) -> None:
    faces = DrawnFaces(16)
    uses = TrainingSet(faces, torch.ones(len(faces), len(faces.aus)))
    fitted = made(component, device)
    fitted.fit(uses, DrawnFaces(8, seed=1), session(tmp_path, device))
    loaded = again(fitted, component, tmp_path)
    there, here = (each.predict(faces.batch(ROWS)).intensity for each in (fitted, loaded))
    torch.testing.assert_close(there, here, atol=0.05, rtol=0.02)


@pytest.mark.parametrize("component", builtins("synth"))
def test_synthesizers(component: Component, tmp_path: Path, device: str) -> None:
    faces = DrawnFaces(8, people=4)
    batch = faces.batch(ROWS)
    targets = Labels(faces.aus, torch.full((4, 4), 3.0), torch.ones(4, 4, dtype=torch.bool))
    fitted = made(component, device)
    fitted.fit(faces, session(tmp_path, device))
    loaded = again(fitted, component, tmp_path)
    there, here = (e.synthesize(batch, targets, torch.arange(4)) for e in (fitted, loaded))
    assert (there.float() - here.float()).abs().max() <= 3


def again(fitted: Any, component: Component, tmp_path: Path) -> Any:
    """What was fitted elsewhere, on the CPU."""
    folder = tmp_path / "saved"
    folder.mkdir()
    fitted.save(folder)
    loaded = made(component, "cpu")
    loaded.load(folder)
    return loaded


@pytest.mark.parametrize("component", builtins("normalizer"))
def test_normalizers(component: Component, device: str) -> None:
    faces = DrawnFaces(16, people=4)
    shown = []
    for place in ("cpu", device):
        normalizer = made(component, place)
        normalizer.fit(faces)
        shown.append(normalizer.apply(faces.batch(ROWS)).cpu())
    torch.testing.assert_close(*shown)


@pytest.mark.parametrize("component", builtins("judge"))
def test_judges(component: Component, device: str) -> None:
    if component.missing():
        pytest.skip(f"needs {', '.join(component.missing())}")
    batch = DrawnFaces(4).batch(ROWS)
    try:
        here, there = (
            made(component, d).look(batch.images, batch.landmarks) for d in ("cpu", device)
        )
    except MissingWeights as error:
        pytest.skip(str(error))
    torch.testing.assert_close(here, there, equal_nan=True)


def test_the_rasterizer(device: str) -> None:
    vertices = torch.rand(3, 60, 3) * 24
    triangles = torch.randint(0, 60, (40, 3))
    here = rasterize(vertices, triangles, (24, 20))
    there = rasterize(vertices.to(device), triangles.to(device), (24, 20))
    assert there.depth.device.type == device.partition(":")[0]
    assert torch.equal(here.triangle, there.triangle.cpu())
    torch.testing.assert_close(here.barycentric, there.barycentric.cpu())
