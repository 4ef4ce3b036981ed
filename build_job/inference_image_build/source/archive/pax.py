"""Checks the extended headers of a tar archive before `tarfile` reads them. Pure.

`tarfile` searches them with regular expressions. Before Python 3.11.10 (CVE-2024-6232), these read the rest of the
header for each record and for each digit, so a header of 1 MiB took hours. The form is that of
POSIX, "pax Header Block".
"""

import re

_MAX_LENGTH = 7
"""Digits of a record's length."""
_DIGITS = re.compile(rb"[0-9]{100}")
"""No length, time or size has as many."""


def fault(data: bytes) -> str:
    """What is wrong with the records `LENGTH KEY=VALUE` of a header, as a clause; empty when nothing is."""
    if _DIGITS.search(data):
        return "an extended header has a number of more than 99 digits"
    at = 0
    while at < len(data) and data[at]:  # zeros fill the last block
        space = data.find(b" ", at, at + _MAX_LENGTH + 1)
        digits = data[at:space] if space > 0 else b""
        end = at + int(digits) if digits.isdigit() else 0
        equals = data.find(b"=", space, end)
        if not at < end <= len(data) or equals <= space + 1 or data[end - 1 : end] != b"\n":
            return "an extended header has a record without a length, a key or an end"
        at = end
    return ""
