"""The one reader of JSON that others wrote: replies of servers, results of containers, files of people.

A parser of JSON recurses for each level, and so does everything that handles the value later. So the depth is counted
before anything is parsed, and the size is limited.
"""

import re
from typing import Any, TypeVar, cast, overload

import msgspec

MAX_DEPTH = 32
"""Nested objects and arrays. Manifests of images and replies of UFile have five levels at most."""
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)
"""A string, whose brackets do not count, or a bracket. Possessive, so one pass reads any input."""
_OPENING, _CLOSING = b"[{", b"]}"
_BOM = b"\xef\xbb\xbf"

Kind = TypeVar("Kind")


class UntrustedJsonError(ValueError):
    """The bytes are not JSON, not of the expected type, too large or too deep; the text says which."""


@overload
def read(data: bytes, *, max_bytes: int, max_depth: int = MAX_DEPTH) -> Any: ...  # noqa: ANN401 - any JSON


@overload
def read(data: bytes, kind: type[Kind], *, max_bytes: int, max_depth: int = MAX_DEPTH, strict: bool = True) -> Kind: ...


def read(data: bytes, kind: Any = Any, *, max_bytes: int, max_depth: int = MAX_DEPTH, strict: bool = True) -> Any:
    """The value, of the given type: UTF-8, no NaN, no infinity, no halves of surrogate pairs.

    `max_bytes` limits the size, `max_depth` the levels. Without `strict`, text may stand for a number.
    Raises UntrustedJsonError, which is a ValueError.
    """
    if len(data) > max_bytes:
        raise UntrustedJsonError(f"it has {len(data)} bytes; the limit is {max_bytes}")
    if is_deeper(data, max_depth):
        raise UntrustedJsonError(f"it is nested more than {max_depth} deep")
    try:
        return cast("Any", msgspec.json.decode(data.removeprefix(_BOM), type=kind, strict=strict))
    except (ValueError, RecursionError, OverflowError) as error:
        raise UntrustedJsonError(str(error) or type(error).__name__) from error


def is_deeper(data: bytes, max_depth: int) -> bool:
    """Whether objects and arrays are nested more than `max_depth` deep. Reads the bytes once."""
    if data.count(b"[") + data.count(b"{") <= max_depth:
        return False
    depth = 0
    for token in _TOKEN.finditer(data):
        first = token[0][:1]
        depth += (first in _OPENING) - (first in _CLOSING)
        if depth > max_depth:
            return True
    return False
