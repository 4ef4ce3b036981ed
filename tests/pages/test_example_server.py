"""The page of the example's server in Chromium: a picture gets boxes, labels and a table; markup in labels is text."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event, Thread
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from PIL import Image, ImageDraw
from selenium.webdriver.common.by import By

from inference_server import BadInput
from inference_server.app import create_app
from inference_server.config import Batching
from inference_server.service import Service
from tests.pages.conftest import PHONE, Browser, keep

HOSTILE = "<img src=x onerror=\"document.title='taken'\">"
BOXES = [
    {"class": "circle", "id": 1, "score": 0.98, "box": [0.12, 0.10, 0.62, 0.44]},
    {"class": "square", "id": 2, "score": 0.91, "box": [0.35, 0.55, 0.85, 0.90]},
]
CANVAS = """
const canvas = document.querySelector("canvas"), drawn = canvas.getContext("2d", {willReadFrequently: true});
const pixel = (x, y) => [...drawn.getImageData(x, y, 1, 1).data];
return {size: [canvas.width, canvas.height], edge: pixel(64, 150), ground: pixel(20, 20)};
"""


class Model:
    """Detects what a test says."""

    def __init__(self) -> None:
        self.may_load = Event()
        self.detections: list[dict] = BOXES

    def load_model(self) -> None:
        assert self.may_load.wait(60)

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        assert len(data) == batch_size
        return [BadInput("not a picture") if body == b"no" else {"detections": self.detections} for body in data]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def model() -> Iterator[Model]:
    found = Model()
    found.may_load.set()
    yield found
    found.may_load.set()


@pytest.fixture
def slow(model: Model) -> Model:
    """The model, before it has loaded."""
    model.may_load.clear()
    return model


@pytest.fixture
def address(model: Model) -> Iterator[str]:
    failures: list[BaseException] = []
    service = Service(lambda: model, failures.append, Batching())
    service.start()
    server: WSGIServer = make_server("127.0.0.1", 0, create_app(service), handler_class=Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()
    assert failures == []


@pytest.fixture
def shapes(tmp_path: Path) -> Path:
    picture = Image.new("RGB", (640, 400), "#e9edf2")
    drawing = ImageDraw.Draw(picture)
    drawing.ellipse((76, 56, 270, 240), fill="#5b8def")
    drawing.rectangle((362, 150, 566, 332), fill="#f2b84b")
    path = tmp_path / "shapes.png"
    picture.save(path)
    return path


def choose(browser: Browser, path: Path) -> None:
    browser.driver.find_element(By.ID, "file").send_keys(str(path))


def test_a_chosen_picture_gets_boxes_and_a_table(browser: Browser, address: str, shapes: Path) -> None:
    browser.open(address)
    browser.until_text("The model is ready.", "#said")
    choose(browser, shapes)
    browser.until_text("2 in shapes.png.", "#said")
    drawn = browser.run(CANVAS)
    assert (drawn["size"], drawn["ground"]) == ([640, 400], [0xE9, 0xED, 0xF2, 255])
    assert drawn["edge"] == [0x0A, 0x7D, 0x33, 255], "the left edge of the circle's box, in the color of its class"
    assert browser.text("tbody").split("\n")[0].split("\t") == ["circle", "0.98", "0.120, 0.100, 0.620, 0.440"]
    assert [found for found in browser.complaints() if "willReadFrequently" not in found] == []


def test_a_dropped_picture_is_taken(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.until_text("The model is ready.", "#said")
    browser.run("""
        const files = new DataTransfer();
        files.items.add(new File([new Uint8Array([1])], "dropped.tiff", {type: "image/tiff"}));
        dispatchEvent(new DragEvent("drop", {dataTransfer: files}));
    """)
    browser.until_text("2 in dropped.tiff. This browser cannot show the picture.", "#said")
    assert browser.run("return document.querySelector('canvas').hidden")


def test_labels_are_text(browser: Browser, address: str, model: Model, shapes: Path) -> None:
    model.detections = [BOXES[0] | {"class": HOSTILE}, BOXES[1] | {"class": None, "id": 7}]
    browser.open(address)
    choose(browser, shapes)
    browser.until_text("2 in shapes.png.", "#said")
    assert browser.text("tbody td").split("\n")[::3] == [HOSTILE, "id 7"]
    assert browser.run("return document.querySelectorAll('img').length") == 0
    assert browser.run("return document.title") == "Object detection"


def test_an_error_is_told(browser: Browser, address: str, tmp_path: Path) -> None:
    path = tmp_path / "no.png"
    path.write_bytes(b"no")
    browser.open(address)
    choose(browser, path)
    browser.until_text("not a picture", "#said.bad")


def test_a_picture_waits_while_the_model_loads(browser: Browser, slow: Model, address: str, shapes: Path) -> None:
    browser.open(address)
    choose(browser, shapes)
    browser.until_text("The model is loading.", "#said")
    slow.may_load.set()
    browser.until_text("2 in shapes.png.", "#said")


def test_another_script_is_refused(browser: Browser, address: str) -> None:
    browser.open(address)
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s)"
    )
    assert browser.run("return document.title") == "Object detection"
    assert "script-src" in "\n".join(browser.complaints())


def test_the_picture_of_the_documentation(browser: Browser, address: str, shapes: Path, tmp_path: Path) -> None:
    browser.resize(PHONE)
    browser.open(address)
    choose(browser, shapes)
    browser.until_text("2 in shapes.png.", "#said")
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.resize((760, 740))
    keep(browser.driver.save_screenshot, "server-page", tmp_path)
