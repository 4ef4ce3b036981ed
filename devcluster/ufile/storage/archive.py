"""Storage classes: an object's class, and whether an archived object is readable. Pure functions of records and times.

An object of class ARCHIVE is unreadable until it is restored. A restore takes as long as its tier says, and
the object then stays readable for 3 days (US3 documents: introduction/storage_type, solutions/archive, bill/billing;
API restore.md). The error reply to a GET of an archived object is not documented.
"""

from collections.abc import Mapping
from email.utils import formatdate

from msgspec.structs import replace

from devcluster.ufile.protocol import errors
from devcluster.ufile.storage.disk import Record

STANDARD, INFREQUENT, ARCHIVE = "STANDARD", "IA", "ARCHIVE"
CLASSES = (STANDARD, INFREQUENT, ARCHIVE)
"""From hot to cold; a class switch goes in this direction only (API class_switch.md)."""
HEADER = "X-Ufile-Storage-Class"
READABLE = 3 * 24 * 3600.0
"""Seconds that a restored object stays readable."""
DURATIONS = {"Expedited": 15 * 60.0, "Standard": 5 * 3600.0}
"""Tier -> maximal seconds of a restore."""


def wanted(headers: Mapping[str, str]) -> str:
    """The class that an upload requests, by default STANDARD. Raises UFileError for an unknown class."""
    return checked(headers.get(HEADER, STANDARD))


def checked(name: str) -> str:
    """The class itself; raises UFileError for an unknown one."""
    if name not in CLASSES:
        raise errors.bad_request(f"unknown storage class; use one of {', '.join(CLASSES)}")
    return name


def of_class(record: Record, name: str) -> Record:
    """The object in that class, not restored; raises UFileError for an unknown class."""
    return replace(record, storage_class=checked(name), readable_from=0.0)


def switched(record: Record, name: str) -> Record:
    """The object in a colder class, the only switch that owners can request; raises UFileError for any other."""
    if CLASSES.index(checked(name)) <= CLASSES.index(record.storage_class):
        raise errors.switch_not_allowed()
    return of_class(record, name)


def restored(record: Record, tier: str, now: float, durations: Mapping[str, float]) -> Record:
    """The object with a restore in progress; unchanged when one is in progress or done.

    The service's reply to a second restore request is not documented; here it succeeds.
    Raises UFileError.
    """
    if record.storage_class != ARCHIVE:
        raise errors.not_archived()
    if tier not in durations:
        raise errors.bad_request(f"unknown Tier; use one of {', '.join(durations)}")
    if record.readable_from and now < record.readable_from + READABLE:
        return record
    return replace(record, readable_from=now + durations[tier])


def is_readable(record: Record, now: float) -> bool:
    """Whether the object is readable."""
    if record.storage_class != ARCHIVE:
        return True
    return bool(record.readable_from) and record.readable_from <= now < record.readable_from + READABLE


def status(record: Record, now: float) -> str:
    """`RestoreStatus` of the older listing, as the SDK for Python reads it; empty for classes other than ARCHIVE."""
    if record.storage_class != ARCHIVE:
        return ""
    return "Restored" if is_readable(record, now) else "Frozen"


def headers(record: Record) -> dict[str, str]:
    """The headers of HEAD for the class (API head_file.md) and a restore (as the SDK for Go reads it)."""
    found = {HEADER: record.storage_class}
    if record.storage_class == ARCHIVE:
        until = formatdate(record.readable_from + READABLE, usegmt=True)
        found["X-Ufile-Restore"] = f'ongoing-request="false", expiry-date="{until}"'
    return found
