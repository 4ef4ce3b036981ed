"""Checks which object keys are safe in a signature, a URL and a file path."""

import re

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

MAX_BYTES = 1023

# HTTP libraries, proxies and tools on Windows rewrite these: they resolve dot segments and join slashes.
_UNSAFE = re.compile(r"\\|[\x00-\x1f\x7f]|(?:^|/)\.\.?(?:/|$)|^/|//|[\ud800-\udfff]")
_NOT_QUOTED_BY_SDK = re.compile(r"[?#%]")
"""Requests of this package encode them; the SDK writes keys into a URL as they are."""


def fault(key: str) -> str:
    """Why no request can carry the key unchanged, as a clause; empty when one can."""
    if found := _UNSAFE.search(key):
        return f"it contains {found.group()!r}"
    if len(key.encode()) > MAX_BYTES:
        return f"it is longer than {MAX_BYTES} bytes"
    return ""


def check_key(key: str) -> str:
    """The key itself; raises StageError (`UnsafeKey`) when it is empty or no request can carry it unchanged."""
    if not key:
        raise _unsafe(key, "it is empty")
    return check_prefix(key)


def check_prefix(prefix: str) -> str:
    """As `check_key`, for a key prefix, which may be empty."""
    if why := fault(prefix):
        raise _unsafe(prefix if len(prefix) <= MAX_BYTES else prefix[:64] + "…", why)
    return prefix


def check_sdk_key(key: str) -> str:
    """As `check_key`, for a request that the SDK sends."""
    if found := _NOT_QUOTED_BY_SDK.search(check_key(key)):
        raise _unsafe(key, f"it contains {found.group()!r}, which a copy or a deletion cannot carry")
    return key


def _unsafe(key: str, why: str) -> StageError:
    return StageError(
        Reason.UNSAFE_KEY,
        f"The key {key!r} cannot be used: {why}.",
        "Rename the object: no leading '/', no empty, '.' or '..' segments, no '\\', no control characters; for "
        "results none of '?', '#', '%'.",
    )
