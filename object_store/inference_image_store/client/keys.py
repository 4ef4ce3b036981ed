"""Checks which object keys are safe in a signature, a URL and a file path."""

import re

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

MAX_BYTES = 1023

# HTTP libraries rewrite these, so the signature no longer matches: they start a query or fragment, normalise a
# percent-encoding, or resolve a dot segment.
_UNSAFE = re.compile(r"[?#%\\]|[\x00-\x1f\x7f]|(?:^|/)\.\.?(?:/|$)|^/|//|[\ud800-\udfff]")


def check_key(key: str) -> str:
    """The key itself; raises StageError (`UnsafeKey`) when it is empty or no request can carry it unchanged."""
    if not key:
        raise _unsafe(key, "it is empty")
    return check_prefix(key)


def check_prefix(prefix: str) -> str:
    """As `check_key`, for a key prefix, which may be empty."""
    if found := _UNSAFE.search(prefix):
        raise _unsafe(prefix, f"it contains {found.group()!r}")
    if len(prefix.encode()) > MAX_BYTES:
        raise _unsafe(prefix[:64] + "…", f"it is longer than {MAX_BYTES} bytes")
    return prefix


def _unsafe(key: str, why: str) -> StageError:
    return StageError(
        Reason.UNSAFE_KEY,
        f"The key {key!r} cannot be used: {why}.",
        "Rename the object: no leading '/', no empty, '.' or '..' segments, none of '?', '#', '%', '\\', "
        "no control characters.",
    )
