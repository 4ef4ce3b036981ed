"""What the last lines of Kaniko's log say about its failure."""

import re

from inference_image_contract.reasons import Reason
from inference_image_operator.observed import Frozen

REQUEST = "then set the annotation uai.ucloud.cn/requestedAt to a new value."


class Diagnosis(Frozen, frozen=True, kw_only=True):
    """A failure of Kaniko in our words."""

    reason: str
    message: str
    hint: str
    passes: bool = False
    """Another attempt may succeed."""


_RULES = (
    (
        re.compile(r"UNAUTHORIZED|authentication required|401 Unauthorized|DENIED|403 Forbidden", re.IGNORECASE),
        Reason.REGISTRY_UNAUTHORIZED,
        "Put a login that may push into the Secret of spec.image.pushSecretRef, " + REQUEST,
        False,
    ),
    (
        re.compile(
            r"connection refused|connection reset|i/o timeout|TLS handshake timeout|no such host"
            r"|unexpected EOF|(?:status code|response status code:?) 5\d\d|TOOMANYREQUESTS|503 Service",
            re.IGNORECASE,
        ),
        Reason.REGISTRY_UNAVAILABLE,
        "It is tried again. If it lasts, ask whoever runs the registry.",
        True,
    ),
)
_BUILD_HINT = "Mend the Dockerfile or the files that it names, " + REQUEST + " See lastFailure.logTail."


def diagnose(tail: str) -> Diagnosis:
    """The diagnosis of a log tail; what no rule knows is `BuildFailed` with Kaniko's last line."""
    line = _error_line(tail)
    for pattern, reason, hint, passes in _RULES:
        if pattern.search(line):
            return Diagnosis(reason=reason.value, message=f"Kaniko failed: {line}", hint=hint, passes=passes)
    return Diagnosis(reason=Reason.BUILD_FAILED.value, message=f"Kaniko failed: {line}", hint=_BUILD_HINT)


def _error_line(tail: str) -> str:
    """The line that names the cause: the last that begins with an error, else that speaks of one, else the last of all.

    A Kaniko that ends early prints `Error: ...` first and then its whole usage, so the last line alone is no cause.
    """
    lines = [line.strip() for line in tail.splitlines() if line.strip()]
    if not lines:
        return "it printed nothing"
    begins = [line for line in lines if re.match(r"error|fatal", line, re.IGNORECASE)]
    speaks = [line for line in lines if re.search(r"error|fatal|failed", line, re.IGNORECASE)]
    return (begins or speaks or lines)[-1][:500]
