"""The dashboard in Chromium: what a person sees, live, on a phone, of hostile objects, and without some rights."""

import copy
import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from kubectl_inferenceimage.cluster.dashboard.server import Dashboard
from kubectl_inferenceimage.cluster.trial import drawing
from kubectl_inferenceimage.cluster.trial.detections import Detection
from tests.pages.cluster import HOSTILE, objects
from tests.pages.conftest import PHONE, WIDE, Browser, keep
from tests.support.world import DIGEST
from tests.unit.cli.cluster.standin import IMAGES, NAMESPACE, PODS, ApiServer

TALL = (1280, 1800)
"""Shows a whole object."""


def show(browser: Browser, dashboard: Dashboard, name: str) -> None:
    browser.open(f"{dashboard.address}#/{NAMESPACE}/{name}")
    browser.until_text(f"{NAMESPACE}/{name}", "h2")


def test_a_person_finds_an_object_in_the_list(browser: Browser, dashboard: Dashboard) -> None:
    browser.open(dashboard.address)
    browser.until_text("licence-plates", "nav")
    for text in ("shapes", "Published", "helmets", "Building", "traffic-signs", "ImageDoesNotStart", "Queued"):
        assert text in browser.text("nav")
    assert browser.text("#where") == NAMESPACE
    browser.run("[...document.querySelectorAll('nav a')].find(a => a.innerText.includes('helmets')).click()")
    browser.until_text(f"{NAMESPACE}/helmets", "h2")
    assert browser.complaints() == []


def test_the_stages_with_their_times_and_what_runs(browser: Browser, dashboard: Dashboard) -> None:
    show(browser, dashboard, "helmets")
    shown = browser.text("#stages")
    for text in ("Resolve 14s", "Export 1m28s", "Exported", "Building"):
        assert text in shown
    assert browser.text(".busy-line b") == "Build"
    browser.run("document.querySelector('details').open = true")
    assert "report: running" in browser.text("#stages")


def test_a_bar_says_how_far_the_step_is(browser: Browser, dashboard: Dashboard, api: ApiServer) -> None:
    show(browser, dashboard, "helmets")
    assert "report: push, 148.0 MB of 412.0 MB" in browser.text(".busy-line")
    (log,) = [path for path in api.objects if path.endswith("/log")]
    api.objects[log] = "progress: push 300000000 of 412000000 bytes\n"
    browser.until_text("300.0 MB of 412.0 MB", ".busy-line")
    assert browser.run("return document.querySelector('progress').value") == 300_000_000


def test_changes_appear_without_a_click_and_what_is_open_stays_open(
    browser: Browser, dashboard: Dashboard, api: ApiServer
) -> None:
    show(browser, dashboard, "helmets")
    browser.run("document.querySelector('details').open = true")
    pod = copy.deepcopy(api.objects[PODS][0])
    pod["status"]["containerStatuses"][4]["state"] = {"terminated": {"exitCode": 0}}
    api.objects[PODS] = [pod]
    browser.until_text("report: exit code 0", "#stages details[open]")


def test_the_drawing_goes_from_checkpoint_to_digest(browser: Browser, dashboard: Dashboard) -> None:
    show(browser, dashboard, "shapes")
    drawn = browser.run("return [...document.querySelectorAll('svg text')].map(e => e.textContent)")
    whole = "\n".join(drawn)
    for text in ("model.ckpt-200000", "index, ETag 9d2c41f07be6", "commit 3f6c2a8b", "TensorFlow 2", "sha256:b41c7e"):
        assert text in whole
    assert browser.run("return document.querySelectorAll('svg path').length") == 3
    assert browser.run("return document.querySelectorAll('svg g.open').length") == 0


def test_a_failure_with_its_remedy_and_log(browser: Browser, dashboard: Dashboard) -> None:
    show(browser, dashboard, "traffic-signs")
    shown = browser.text("#failure")
    assert "ImageDoesNotStart in Test" in shown
    assert "Remedy: " in shown
    assert "No module named 'gevent'" in browser.text("pre")


def shapes() -> bytes:
    """A picture of a disc and a square."""
    picture, data = Image.new("RGB", (480, 300), "#e8e4da"), io.BytesIO()
    pen = ImageDraw.Draw(picture)
    pen.ellipse((55, 50, 200, 220), fill="#5b8def")
    pen.rectangle((295, 125, 408, 260), fill="#f2b84b")
    picture.save(data, "PNG")
    return data.getvalue()


def test_pictures_that_try_drew_appear(browser: Browser, dashboard: Dashboard, tmp_path: Path) -> None:
    show(browser, dashboard, "shapes")
    assert browser.text("#pictures") == ""
    found = [Detection("disc", 0.98, (0.15, 0.1, 0.75, 0.42)), Detection("square", 0.91, (0.4, 0.6, 0.88, 0.86))]
    origin = drawing.Origin(NAMESPACE, "shapes", DIGEST)
    drawing.draw(shapes(), found, tmp_path / "a.boxes.png", origin)
    drawing.draw(shapes(), found[:1], tmp_path / "shapes & more.boxes.png", origin)
    browser.until_text("shapes & more.boxes.png", "#pictures figcaption")
    loaded = "return [...document.querySelectorAll('#pictures img')].every((image) => image.naturalWidth === 480)"
    browser.until("the pictures are loaded", lambda: browser.run(loaded))
    assert browser.complaints() == []
    browser.resize(TALL)
    keep(browser.driver.find_element("id", "pictures").screenshot, "dashboard-pictures", tmp_path)


def test_markup_of_others_is_text(browser: Browser, dashboard: Dashboard) -> None:
    show(browser, dashboard, "hostile")
    assert HOSTILE in browser.text("pre")
    assert HOSTILE in browser.text("table")
    assert browser.run("return document.querySelectorAll('article script, article img').length") == 0
    assert browser.run("return document.title") == "InferenceImages"
    assert browser.complaints() == []


def test_the_policy_refuses_inline_script_and_other_hosts(browser: Browser, dashboard: Dashboard) -> None:
    browser.open(dashboard.address)
    browser.until_text("shapes", "nav")
    browser.run(
        "const s = document.createElement('script'); s.textContent = 'document.title = 1'; document.body.append(s)"
    )
    assert browser.run("return document.title") == "InferenceImages"
    assert browser.run("return fetch('http://127.0.0.1:1/').catch(() => 'refused')") == "refused"
    refused = "\n".join(browser.complaints())
    assert "script-src 'self'" in refused
    assert "connect-src 'self'" in refused


def test_a_missing_right_is_named_and_the_rest_is_shown(browser: Browser, dashboard: Dashboard, api: ApiServer) -> None:
    api.forbidden |= {("GET", PODS)}
    show(browser, dashboard, "helmets")
    assert f"You may not list the pods in {NAMESPACE}." in browser.text(".missing")
    assert "Building" in browser.text("#stages")
    api.forbidden |= {("GET", IMAGES)}
    browser.until_text("You may not list the InferenceImages", "#trouble")
    assert "Building" in browser.text("#stages")


def test_an_object_that_is_deleted_and_a_dashboard_that_ends(
    browser: Browser, dashboard: Dashboard, api: ApiServer
) -> None:
    show(browser, dashboard, "helmets")
    del api.objects[f"{IMAGES}/helmets"]
    browser.until_text("it does not exist", "#trouble")
    dashboard.shutdown()
    dashboard.server_close()
    browser.until_text("Is it still running?", "#trouble")


@pytest.mark.parametrize("size", [WIDE, PHONE])
@pytest.mark.parametrize("name", ["shapes", "traffic-signs", "hostile"])
def test_nothing_is_wider_than_the_screen(browser: Browser, dashboard: Dashboard, size: tuple, name: str) -> None:
    browser.resize(size)
    show(browser, dashboard, name)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")


def test_a_phone_shows_one_thing_at_a_time(browser: Browser, dashboard: Dashboard) -> None:
    browser.resize(PHONE)
    show(browser, dashboard, "shapes")
    assert browser.run("return getComputedStyle(document.querySelector('nav')).display") == "none"
    browser.run("document.querySelector('.back').click()")
    browser.until("the list is back", lambda: browser.run("return document.querySelector('nav').offsetHeight > 0"))
    browser.until("the object is gone", lambda: browser.text("article") == "")


def test_colors_follow_the_system(browser: Browser, dashboard: Dashboard) -> None:
    show(browser, dashboard, "shapes")
    color = "return getComputedStyle(document.body).backgroundColor"
    light = browser.run(color)
    browser.resize(WIDE, dark=True)
    browser.until("the page is dark", lambda: browser.run(color) != light)


@pytest.mark.parametrize(
    ("name", "size", "shown"),
    [("dashboard", WIDE, "shapes"), ("dashboard-phone", PHONE, "traffic-signs")],
)
def test_the_pictures_of_the_documentation(  # noqa: PLR0917 - fixtures and parameters
    browser: Browser,
    dashboard: Dashboard,
    api: ApiServer,
    tmp_path: Path,
    name: str,
    size: tuple,
    shown: str,
) -> None:
    api.objects[IMAGES] = [found for found in objects()[IMAGES] if found["metadata"]["name"] != "hostile"]
    browser.resize(size, dark=size == PHONE)
    show(browser, dashboard, shown)
    browser.until("the list is there", lambda: browser.run("return document.querySelectorAll('nav li').length") == 4)
    keep(browser.driver.save_screenshot, name, tmp_path)
