"""The ports that a word of EXPOSE names. Pure."""

import re
from collections.abc import Iterator

_WORD = re.compile(r"(?:[^/]*:)?(?P<first>\d{1,5})(?:-(?P<last>\d{1,5}))?(?:/(?P<protocol>\w+))?")
"""An address and a port of the host before the port are accepted and mean nothing, as in BuildKit."""
_PROTOCOLS = frozenset({"tcp", "udp", "sctp"})
_MAX = 65535


def is_plain(word: str) -> bool:
    """Whether an expanded word is one port as image configurations have it, perhaps without a protocol."""
    return re.fullmatch(r"\d+(?:/[a-z]+)?", word) is not None


def expand(words: str) -> Iterator[str]:
    """`PORT/PROTOCOL` for each port of an expanded word, which may have become several. Raises ValueError."""
    for word in words.split():
        match = _WORD.fullmatch(word)
        if match is None:
            raise ValueError(f"EXPOSE takes a port, a range or PORT/PROTOCOL, not {word!r}")
        first, last = int(match["first"]), int(match["last"] or match["first"])
        protocol = (match["protocol"] or "tcp").lower()
        if protocol not in _PROTOCOLS:
            raise ValueError(f"EXPOSE has the unknown protocol {protocol!r}; use tcp, udp or sctp")
        if not first <= last <= _MAX:
            raise ValueError(f"{word!r} is not a range of ports")
        yield from (f"{port}/{protocol}" for port in range(first, last + 1))
