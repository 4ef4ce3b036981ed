"""Durations in Go's format (`1m30s`), as the flags of HEALTHCHECK have them. Pure."""

import re

_NANOSECONDS = {"ns": 1, "us": 10**3, "µs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_PART = re.compile(rf"(\d+(?:\.\d*)?|\.\d+)({'|'.join(_NANOSECONDS)})")
FORM = re.compile(rf"(?:{_PART.pattern})+|0|")
"""A whole duration. Without a text, a flag has its default."""


def nanoseconds(text: str) -> int:
    """The length of a valid duration."""
    return sum(int(float(number) * _NANOSECONDS[unit]) for number, unit in _PART.findall(text))
