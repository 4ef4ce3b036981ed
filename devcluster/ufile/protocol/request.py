"""A request without the web framework: bucket (first label of the host), raw key, query, headers."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit


@dataclass(frozen=True)
class Request:
    """The parts of a request that the protocol uses."""

    method: str
    bucket: str
    key: str
    """Decoded; empty for the bucket itself."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names are case-insensitive."""


def parse(method: str, target: str, headers: Mapping[str, str]) -> Request:
    """Parses a request line and its headers. `target` is a path, or an absolute URI as proxies receive it."""
    parts = urlsplit(target if not target.startswith("/") else f"http://{headers.get('Host', '')}{target}")
    return Request(
        method=method,
        bucket=parts.netloc.split(".")[0].split(":")[0],
        key=unquote(parts.path.removeprefix("/"), errors="replace"),
        query=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
    )
