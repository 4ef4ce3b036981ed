"""Times in the API's format."""

from datetime import UTC, datetime


def rfc3339(time: datetime) -> str:
    """UTC, whole seconds, `2026-01-31T09:30:00Z`."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse(text: str) -> datetime:
    """The inverse of `rfc3339`. Accepts fractions of a second, which Events have.

    Raises ValueError for anything else.
    """
    return datetime.fromisoformat(text)
