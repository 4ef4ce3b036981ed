"""Storage classes: which an object has, and whether one that is archived can be read. Pure, from records and times.

An object of class ARCHIVE cannot be read until it has been restored; a restore takes as long as its tier says, and
the object is readable for three days (US3 documents: introduction/storage_type, solutions/archive, bill/billing;
API restore.md). How a GET of an archived object is refused is not documented.
"""

from collections.abc import Mapping
from email.utils import formatdate

from msgspec.structs import replace

from devcluster.ufile.protocol import errors
from devcluster.ufile.storage.disk import Record

STANDARD, INFREQUENT, ARCHIVE = "STANDARD", "IA", "ARCHIVE"
CLASSES = (STANDARD, INFREQUENT, ARCHIVE)
"""From hot to cold; a class can be switched in this direction only (API class_switch.md)."""
HEADER = "X-Ufile-Storage-Class"
READABLE = 3 * 24 * 3600.0
"""Seconds that a restored object can be read."""
DURATIONS = {"Expedited": 15 * 60.0, "Standard": 5 * 3600.0}
"""Seconds that a restore takes at most, by its tier."""


def wanted(headers: Mapping[str, str]) -> str:
    """The class that an upload asks for; STANDARD when it does not say. Raises UFileError."""
    return checked(headers.get(HEADER, STANDARD))


def checked(name: str) -> str:
    """The class itself; raises UFileError when there is none of that name."""
    if name not in CLASSES:
        raise errors.bad_request(f"storage class is none of {', '.join(CLASSES)}")
    return name


def of_class(record: Record, name: str) -> Record:
    """The object in that class, not restored; raises UFileError when there is no such class."""
    return replace(record, storage_class=checked(name), readable_from=0.0)


def switched(record: Record, name: str) -> Record:
    """The object in a colder class, as its owner may ask for; raises UFileError for any other."""
    if CLASSES.index(checked(name)) <= CLASSES.index(record.storage_class):
        raise errors.switch_not_allowed()
    return of_class(record, name)


def restored(record: Record, tier: str, now: float, durations: Mapping[str, float]) -> Record:
    """The object with its restore under way; one that is under way or done already stays as it is.

    What the service answers to a second request for a restore is not documented; it counts as success here.
    Raises UFileError.
    """
    if record.storage_class != ARCHIVE:
        raise errors.not_archived()
    if tier not in durations:
        raise errors.bad_request(f"Tier is none of {', '.join(durations)}")
    if record.readable_from and now < record.readable_from + READABLE:
        return record
    return replace(record, readable_from=now + durations[tier])


def is_readable(record: Record, now: float) -> bool:
    """Whether the bytes can be had."""
    if record.storage_class != ARCHIVE:
        return True
    return bool(record.readable_from) and record.readable_from <= now < record.readable_from + READABLE


def status(record: Record, now: float) -> str:
    """`RestoreStatus` of the older listing, as the SDK for Python reads it; empty for other classes than ARCHIVE."""
    if record.storage_class != ARCHIVE:
        return ""
    return "Restored" if is_readable(record, now) else "Frozen"


def headers(record: Record) -> dict[str, str]:
    """What HEAD says of the class (API head_file.md), and of a restore (as the SDK for Go reads it)."""
    found = {HEADER: record.storage_class}
    if record.storage_class == ARCHIVE:
        until = formatdate(record.readable_from + READABLE, usegmt=True)
        found["X-Ufile-Restore"] = f'ongoing-request="false", expiry-date="{until}"'
    return found
