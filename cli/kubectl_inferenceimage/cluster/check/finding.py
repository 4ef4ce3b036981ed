"""What a check finds."""

from enum import StrEnum
from typing import NamedTuple


class Verdict(StrEnum):
    """How bad it is."""

    OK = "ok"
    NOTE = "note"
    FAULT = "FAULT"
    UNKNOWN = "unknown"
    """The person may not read it."""


class Finding(NamedTuple):
    """One line of the report."""

    verdict: Verdict
    topic: str
    text: str
    remedy: str = ""


def ok(topic: str, text: str) -> Finding:
    """All is well."""
    return Finding(Verdict.OK, topic, text)


def note(topic: str, text: str, remedy: str) -> Finding:
    """Something that may be wanted, or passes by itself."""
    return Finding(Verdict.NOTE, topic, text, remedy)


def fault(topic: str, text: str, remedy: str) -> Finding:
    """Something that keeps the operator or the plugin from working."""
    return Finding(Verdict.FAULT, topic, text, remedy)


def unknown(topic: str, text: str) -> Finding:
    """Something that could not be read; the text says why."""
    return Finding(Verdict.UNKNOWN, topic, text)
