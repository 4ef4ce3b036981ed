"""Durations in the API's format: `90s`, `30m`, `1h30m`."""

import re

_DURATION = re.compile(r"(?:[0-9]+(?:ms|s|m|h))+")
_DURATION_TERM = re.compile(r"([0-9]+)(ms|s|m|h)")
_MILLISECONDS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000}


def parse_duration(text: str) -> int:
    """Seconds of a duration such as `1h30m`, rounded up.

    Raises ValueError if the text is not a duration.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration such as 90s, 30m or 1h30m")
    milliseconds = sum(int(number) * _MILLISECONDS[unit] for number, unit in _DURATION_TERM.findall(text))
    return -(-milliseconds // 1000)


def format_duration(seconds: float) -> str:
    """The duration as text: `45s`, `1m5s`, `2h0m3s`. Whole seconds, never negative."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
