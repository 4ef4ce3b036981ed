"""Times in the API's format."""

from datetime import UTC, datetime
from typing import Annotated

from msgspec import Meta

Time = Annotated[datetime, Meta(tz=True)]
"""A time of the status. JSON has it as RFC 3339. Write `whole_seconds` in UTC, as Kubernetes does."""


def whole_seconds(time: datetime) -> datetime:
    """The time in UTC without its fraction of a second, as the status has it."""
    return time.astimezone(UTC).replace(microsecond=0)


def rfc3339(time: datetime) -> str:
    """UTC, whole seconds, `2026-01-31T09:30:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """The inverse of `rfc3339`. Accepts fractions of a second, which Events have.

    Raises ValueError for anything else.
    """
    return datetime.fromisoformat(text)
