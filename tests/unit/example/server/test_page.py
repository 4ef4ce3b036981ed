"""The page at `/`: its headers, and that it goes into the base image."""

import base64
import hashlib
import re
from pathlib import Path
from urllib.parse import urlsplit

from inference_server.page import PATH, page

ROOT = Path(__file__).parents[4]
TEXT = PATH.read_text()


def test_the_policy_admits_the_pages_own_script_and_style_alone() -> None:
    response = page()
    policy = dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        (content,) = re.findall(rf"<{element}>(.*?)</{element}>", TEXT, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert (response.content_type, response.body.decode()) == ("text/html; charset=utf-8", TEXT)


def test_the_page_loads_nothing_and_makes_no_markup() -> None:
    assert re.findall(r"https?://", TEXT) == []
    assert re.findall(r"\s(?:src|href|style|on\w+)=", TEXT) == []
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|Function\(", TEXT) == []
    asked = re.findall(r"fetch\(\"([^\"]+)\"", TEXT)
    assert asked == ["initialized", "service"]
    assert all(not urlsplit(path).netloc and not path.startswith("/") for path in asked), (
        "relative: it may be behind a proxy"
    )


def test_the_base_image_has_it() -> None:
    ignore = (ROOT / "examples" / "object-detect" / "base.Dockerfile.dockerignore").read_text().split()
    assert f"!{PATH.resolve().relative_to(ROOT)}" in ignore
