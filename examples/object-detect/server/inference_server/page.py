"""The page at `/`: drop a picture, see the boxes. One file, whose script and style alone its policy admits."""

import base64
import hashlib
import re
from functools import cache
from http import HTTPStatus
from pathlib import Path

from inference_server.responses import Response

PATH = Path(__file__).with_name("page.html")


@cache
def page() -> Response:
    """The page. Its addresses are relative, so that it also works behind the proxy of an API server."""
    text = PATH.read_text("utf-8")
    policy = (
        f"default-src 'none'; script-src {_hash(text, 'script')}; style-src {_hash(text, 'style')}; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-cache",
    }
    return Response(HTTPStatus.OK, text.encode(), "text/html; charset=utf-8", headers)


def _hash(text: str, element: str) -> str:
    """The source expression of CSP for the only element of this name."""
    (content,) = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
