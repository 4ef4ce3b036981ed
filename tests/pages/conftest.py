"""Debian's Chromium without a window, and the dashboard of a stand-in cluster with objects that the operator made."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from selenium.common.exceptions import TimeoutException
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from kubectl_inferenceimage.cluster.dashboard.server import Dashboard
from tests.pages import cluster
from tests.unit.cli.cluster.standin import ApiServer, dashboard_of, serve

DEADLINE = 20
IMAGES = Path(__file__).parents[2] / "docs" / "images"
MOST_BYTES = 150_000
WIDE, PHONE = (1280, 860), (390, 844)
T = TypeVar("T")


class Browser:
    """A browser of one tab."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver

    def open(self, address: str) -> None:
        self.driver.get(address)

    def resize(self, size: tuple[int, int], *, dark: bool = False) -> None:
        """A screen of this size, light or dark; a phone is one with finer pixels."""
        width, height = size
        phone = size == PHONE
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1.25 if phone else 1, "mobile": phone}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def run(self, script: str, *values: object) -> object:
        """What a script of the test finds."""
        return self.driver.execute_script(script, *values)

    def text(self, selector: str) -> str:
        """The text of all elements that match, as a person sees it."""
        found = self.run(
            "return [...document.querySelectorAll(arguments[0])].map(e => e.innerText).join('\\n')", selector
        )
        return str(found)

    def until(self, what: str, find: Callable[[], T | None]) -> T:
        """What `find` has as soon as it has something."""
        waiting = WebDriverWait(self.driver, DEADLINE, poll_frequency=0.05)
        try:
            return waiting.until(lambda _: find())
        except TimeoutException:
            raise AssertionError(f"not seen: {what}\n{self.text('body')}\n{self.complaints()}") from None

    def until_text(self, text: str, selector: str = "body") -> None:
        self.until(f"the page shows: {text}", lambda: text in self.text(selector))

    def complaints(self) -> list[str]:
        """What the browser's console has: refused scripts, errors."""
        return [entry["message"] for entry in self.driver.get_log("browser")]


def keep(take: Callable[[str], object], name: str, folder: Path) -> None:
    """Takes a picture of the documentation. UPDATE_SCREENSHOTS=1 puts it there."""
    path = (IMAGES if os.environ.get("UPDATE_SCREENSHOTS") else folder) / f"{name}.png"
    assert take(str(path))
    assert path.stat().st_size < MOST_BYTES
    assert (IMAGES / path.name).exists()


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    options = ChromeOptions()
    options.binary_location = str(shutil.which("chromium"))
    profile = tmp_path_factory.mktemp("chromium")
    for argument in ("headless=new", "no-sandbox", "disable-gpu", "no-proxy-server", "hide-scrollbars"):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--user-data-dir={profile}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = Chrome(options=options, service=Service(str(shutil.which("chromedriver"))))
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Browser]:
    found = Browser(chromium)
    found.resize(WIDE)
    yield found
    found.open("about:blank")
    found.complaints()


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with serve() as found:
        found.objects |= cluster.objects()
        yield found


@pytest.fixture
def dashboard(api: ApiServer, tmp_path: Path) -> Iterator[Dashboard]:
    with dashboard_of(api, tmp_path) as found:
        yield found
