"""The signals that STOPSIGNAL names, as BuildKit and Kaniko accept them. Pure."""

import re
import signal

_NUMBER_OR_REAL_TIME = re.compile(r"[1-9]\d?|(?:SIG)?RTM(?:IN|AX)(?:[+-]\d{1,2})?")


def check(text: str) -> None:
    """Raises ValueError for a word that is no signal of Linux: a name with or without `SIG`, or a number."""
    upper = text.upper()
    known = f"SIG{upper.removeprefix('SIG')}" in signal.Signals.__members__
    if not (known or _NUMBER_OR_REAL_TIME.fullmatch(upper)):
        raise ValueError(f"STOPSIGNAL takes a signal such as SIGTERM, not {text!r}")
