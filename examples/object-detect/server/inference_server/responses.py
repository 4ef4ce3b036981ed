"""Responses as values, before they are written to the client."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus

LATER = {"Retry-After": "1"}
"""The headers of a response to retry later."""


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


def error(status: HTTPStatus, message: str, headers: dict[str, str] | None = None) -> Response:
    """`{"error": message}`."""
    return Response(status, as_json({"error": message}), headers=headers or {})


def as_json(value: object) -> bytes:
    """Strict JSON: NaN raises ValueError."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
