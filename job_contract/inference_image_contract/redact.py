"""Removes secrets from text: known ones by value, unknown ones by pattern."""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
_MIN_LENGTH = 4  # a shorter value would mask ordinary words

_PATTERNS = (
    re.compile(r"(?i)(authorization\s*[:=]\s*)(?:(?:basic|bearer|ucloud)\s+)?[^\s\"',}]+"),
    re.compile(r"\b((?:[Bb]asic|[Bb]earer|UCloud)\s+)(?=\S*[\d+/=])[A-Za-z0-9+/=_.:-]{8,}"),
    re.compile(
        r"(?i)((?:password|passwd|secret|token|private_?key|signature|\"auth\")[\"']?\s*[:=]\s*)[\"']?[^\s\"'&,}]+"
    ),
    re.compile(r"(://)[^/\s:@]+:[^/\s@]+(?=@)"),
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` with every secret masked: the given values (plain, URL-quoted, base64) and what looks like a secret."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) < _MIN_LENGTH:
            continue
        for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode()):
            text = text.replace(form, MASK)
    for pattern in _PATTERNS:
        text = pattern.sub(lambda match: match.group(1) + MASK, text)
    return text
