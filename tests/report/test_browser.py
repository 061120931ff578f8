"""The report in a real browser, where one is installed (`apt-get install chromium`).

The browser is driven over its debugging pipe: what the page logs, asks of the network and measures
is seen from outside, and the page is the file that users open.
"""

from __future__ import annotations

import base64
import io
import itertools
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aukit.report import ReportData, write_report
from aukit.report.estimates import EstimatesPage, write_estimates_page

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
GROUND = {"light": (246, 247, 249), "dark": (18, 22, 28)}

MEASURE = """(() => {
  for (const part of document.querySelectorAll('details')) part.open = true;
  const all = [...document.body.querySelectorAll(':not(svg *)')];
  const scrolling = all.filter(e => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX));
  const held = e => scrolling.some(box => box !== e && box.contains(e));
  const inside = e => e.getBoundingClientRect().right <= innerWidth + 0.5 || held(e);
  const pictures = [...document.images];
  return {
    width: innerWidth,
    scroll: document.documentElement.scrollWidth,
    outside: all.filter(e => !inside(e)).map(e => e.outerHTML),
    pictures: pictures.length,
    loaded: pictures.filter(p => p.complete && p.naturalWidth > 0).length,
    lost: [...document.querySelectorAll('a')].filter(a => !document.querySelector(a.hash)).length,
    beside: document.querySelector('nav').getBoundingClientRect().right
      <= document.querySelector('main').getBoundingClientRect().left,
  };
})()"""


class Browser:
    """Chromium without a window, and what its page has said since it was opened.

    Args:
        program: path of the browser.
        profile: an empty folder for it.
    """

    def __init__(self, program: str, profile: Path) -> None:
        # The browser reads commands from its descriptor 3 and answers on 4.
        read, self._commands = os.pipe()
        self._answers, write = os.pipe()
        # No sandbox: containers seldom allow one, and the page is our own. Bash, since other shells
        # know descriptors of one digit only.
        script = f'exec "$0" "$@" 3<&{read} 4>&{write}'
        command = ["bash", "-c", script, program, "--headless", "--no-sandbox", "--disable-gpu"]
        command += ["--hide-scrollbars"]
        command += ["--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            command, pass_fds=(read, write), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        os.close(read)
        os.close(write)
        self._unread = b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        (target,) = [
            t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"
        ]
        attach = {"targetId": target["targetId"], "flatten": True}
        self._session = self.call("Target.attachToTarget", attach)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The answer to a command; events that come before it are kept."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params or {}}
        if self._session is not None:
            message["sessionId"] = self._session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            self.events.append(answer)
        assert "error" not in answer, answer
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser has ended"
            self._unread += part
        text, _, self._unread = self._unread.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def open(self, page: Path, width: int, dark: bool = False) -> None:
        """Show a file in a window of some width."""
        self.events.clear()
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.call("Page.navigate", {"url": page.as_uri()})
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next())

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        answer = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True})
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self) -> np.ndarray:
        """(H, W, 3) what the window shows."""
        encoded = base64.b64decode(self.call("Page.captureScreenshot")["data"])
        return np.asarray(Image.open(io.BytesIO(encoded)).convert("RGB"))

    def seen(self, *methods: str) -> list[dict[str, Any]]:
        """Events of some kinds since the page was opened."""
        return [event["params"] for event in self.events if event.get("method") in methods]

    def close(self) -> None:
        """End the browser."""
        self._session = None
        self.call("Browser.close")
        self._process.wait(timeout=30)
        os.close(self._answers)
        os.close(self._commands)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on PATH ({', '.join(NAMES)})")
    started = Browser(found, tmp_path_factory.mktemp("profile"))
    yield started
    started.close()


@pytest.fixture(scope="module")
def page(full: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(full, path)
    return path


@pytest.mark.parametrize("width", [320, 380, 700, 1099, 1100, 1400])
def test_nothing_is_wider_than_the_page(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width)
    found = browser.evaluate(MEASURE)
    assert found["width"] == width
    assert found["scroll"] <= width
    assert found["outside"] == []
    assert found["beside"] == (width >= 1100)  # the contents, where there is room


def test_pictures_load_and_links_lead_somewhere(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    found = browser.evaluate(MEASURE)
    assert found["loaded"] == found["pictures"] == page.read_text(encoding="utf-8").count("<img")
    assert found["lost"] == 0


def test_page_logs_nothing_and_asks_nobody(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    said = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
    assert browser.seen(*said) == []
    asked = [event["request"]["url"] for event in browser.seen("Network.requestWillBeSent")]
    assert asked[0] == page.as_uri()
    assert all(url.startswith("data:image/") for url in asked[1:])


def test_the_listener_would_hear_a_complaint(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text("<script>console.log(1)</script><img src='https://example.invalid/a.png'>")
    browser.open(page, 400)
    assert browser.seen("Runtime.consoleAPICalled")
    asked = [event["request"]["url"] for event in browser.seen("Network.requestWillBeSent")]
    assert "https://example.invalid/a.png" in asked


@pytest.mark.parametrize("dark", [False, True])
def test_page_follows_the_colour_scheme(browser: Browser, page: Path, dark: bool) -> None:
    browser.open(page, 1280, dark)
    pixels = browser.screenshot()
    ground = np.array(GROUND["dark" if dark else "light"])
    assert (pixels[:, -8:] == ground).all(-1).mean() > 0.97


def test_browser_reads_the_page_as_it_was_meant(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    source = page.read_text(encoding="utf-8")
    for tag in ("svg", "figure", "tr", "img", "section", "details", "circle", "rect"):
        shown = browser.evaluate(f"document.querySelectorAll('{tag}').length")
        assert shown == len(re.findall(rf"<{tag}[ >]", source)), tag


def press(browser: Browser, key: str) -> None:
    code = {"Enter": 13, "Escape": 27}.get(key, 0)
    event = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    text = {"text": "\r"} if key == "Enter" else {}
    browser.call("Input.dispatchKeyEvent", {"type": "keyDown", **event, **text})
    browser.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})


def test_pictures_are_enlarged_and_stepped_through_by_keys(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    group = "document.querySelector('#pictures .pictures')"
    count = browser.evaluate(f"{group}.querySelectorAll('figure').length")
    browser.evaluate(f"{group}.querySelector('button').focus()")
    press(browser, "Enter")
    caption = "document.querySelector('dialog.viewer p').textContent"
    assert browser.evaluate("document.querySelector('dialog.viewer').open")
    assert f"(1 of {count})" in browser.evaluate(caption)
    press(browser, "ArrowLeft")
    assert f"({count} of {count})" in browser.evaluate(caption)
    press(browser, "ArrowRight")
    people = browser.evaluate(
        f"[...{group}.querySelectorAll('figure')].map(figure => figure.dataset.person)"
    )
    other = next((n for n, who in enumerate(people) if who != people[0]), 0)
    press(browser, "ArrowDown")
    assert f"({other + 1} of {count})" in browser.evaluate(caption)
    press(browser, "Escape")
    assert not browser.evaluate("document.querySelector('dialog.viewer').open")


def test_tables_are_sorted_and_their_total_stays_last(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    cells = """[...document.querySelectorAll('table.scores')[0].tBodies[0].rows]
        .map(row => [row.classList.contains('total'), parseFloat(row.cells[1].innerText)])"""
    before = browser.evaluate(cells)
    for _ in range(2):
        browser.evaluate("document.querySelectorAll('table.scores')[0].tHead.rows[0].cells[1]"
                         ".querySelector('button').click()")  # fmt: skip
    after = browser.evaluate(cells)
    assert [last for last, _ in after] == [last for last, _ in before]
    numbers = [number for last, number in before if not last and number is not None]
    assert [n for last, n in after if not last][: len(numbers)] == sorted(numbers, reverse=True)
    sorted_by = "document.querySelectorAll('table.scores')[0].querySelector('[aria-sort]')"
    assert browser.evaluate(f"{sorted_by}.getAttribute('aria-sort')") == "descending"


def test_curves_are_read_off_by_keys_and_by_the_pointer(browser: Browser, page: Path) -> None:
    browser.open(page, 1280)
    chart = "document.querySelector('#training svg[data-x]')"
    browser.evaluate(f"{chart}.focus()")
    press(browser, "End")
    reading = f"{chart}.nextElementSibling.textContent"
    last = browser.evaluate(reading)
    assert re.match(r"[-\d.e+]+: .*\d", last)
    browser.evaluate(f"{chart}.scrollIntoView({{behavior: 'instant'}})")
    box = browser.evaluate(f"{chart}.getBoundingClientRect().toJSON()")
    at = {"x": box["left"] + 60, "y": box["top"] + 60, "type": "mouseMoved"}
    browser.call("Input.dispatchMouseEvent", at)
    first = browser.evaluate(reading)
    assert re.match(r"[-\d.e+]+: .*\d", first)
    assert first != last


@pytest.fixture(scope="module")
def estimates_page(estimates: EstimatesPage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about estimates of a long video and some photos."""
    path = tmp_path_factory.mktemp("estimates") / "page.html"
    write_estimates_page(estimates, path)
    return path


@pytest.mark.parametrize("width", [320, 400, 1200])
def test_the_page_of_estimates_fits_and_asks_nobody(
    browser: Browser, estimates_page: Path, width: int
) -> None:
    browser.open(estimates_page, width)
    found = browser.evaluate(MEASURE)
    assert found["scroll"] <= width
    assert found["outside"] == []
    assert found["loaded"] == found["pictures"] == 5
    assert found["lost"] == 0
    asked = [event["request"]["url"] for event in browser.seen("Network.requestWillBeSent")]
    assert asked[0] == estimates_page.as_uri()
    assert all(url.startswith("data:image/") for url in asked[1:])
