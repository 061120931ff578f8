"""The report in a real browser, where one is installed (`apt-get install chromium`)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aukit.report import ReportData, write_report

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GROUND = {"light": (246, 247, 249), "dark": (18, 22, 28)}


@pytest.fixture(scope="module")
def browser() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on PATH ({', '.join(NAMES)})")
    return found


@pytest.fixture(scope="module")
def page(full: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(full, path)
    return path


def run(browser: str, profile: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # No sandbox: containers seldom allow one, and the page is our own. No network: it needs none.
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--user-data-dir={profile}", "--enable-logging=stderr"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def screenshot(
    browser: str, page: Path, folder: Path, width: int, dark: bool = False
) -> np.ndarray:
    target = folder / "shot.png"
    scheme = ["--blink-settings=preferredColorScheme=0"] if dark else []
    height = 5_000_000 // width + 1_000  # the narrower, the longer
    size = f"--window-size={width},{height}"
    done = run(browser, folder, f"--screenshot={target}", size, *scheme, page.as_uri())
    assert "CONSOLE" not in done.stderr, done.stderr
    return np.asarray(Image.open(target).convert("RGB"))


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False)])
def test_page_shows_in_wide_narrow_and_dark(
    browser: str, page: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    pixels = screenshot(browser, page, tmp_path, width, dark)
    assert pixels.shape[1] == width
    ground = np.array(GROUND["dark" if dark else "light"])
    # The margin stays empty (but for the sticky contents line): nothing is wider than the page.
    assert (pixels[:, -8:] == ground).all(-1).mean() > 0.97
    # The samples' saturated green is nowhere else: pictures have loaded.
    vivid = (pixels[..., 1] > 150) & (pixels[..., 0] < 60) & (pixels[..., 2] < 60)
    assert vivid.sum() > 200


def test_browser_reads_the_page_as_it_was_meant(
    browser: str, page: Path, full: ReportData, tmp_path: Path
) -> None:
    done = run(browser, tmp_path, "--dump-dom", page.as_uri())
    assert "CONSOLE" not in done.stderr, done.stderr
    source = page.read_text(encoding="utf-8")
    for tag in ("<svg", "<figure", "<tr", "<img", "<section", "<details", "<circle", "<rect"):
        assert done.stdout.count(tag) == source.count(tag)
