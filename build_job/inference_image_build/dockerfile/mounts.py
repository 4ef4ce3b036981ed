"""The mounts of RUN. Pure. Rules: https://docs.docker.com/reference/dockerfile/#run---mount."""

import csv
from collections.abc import Callable, Mapping
from typing import NamedTuple

_KINDS = frozenset({"bind", "cache", "tmpfs", "secret", "ssh"})
_WITH_TARGET = frozenset({"bind", "cache", "tmpfs"})
_NAMES: Mapping[str, str] = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
    "rw": "readwrite",
}
_SWITCHES = frozenset({"readonly", "readwrite", "required"})
_FIELDS = frozenset(
    {"type", "from", "source", "target", "id", "sharing", "size", "mode", "uid", "gid", "env"} | _SWITCHES
)


class Mount(NamedTuple):
    """One mount; what it does not say is empty."""

    kind: str
    source: str
    target: str
    origin: str
    """The stage or image that it comes from; empty for the build context."""
    mode: str
    uid: str
    gid: str


def fault(text: str) -> str:
    """What is wrong with a mount, as a clause; empty when nothing is. Variables are not replaced."""
    try:
        fields = _fields(text)
    except ValueError as error:
        return str(error)
    kind = fields.get("type", "bind")
    if kind.lower() not in _KINDS and "$" not in kind:
        return f"--mount takes the type bind, cache, tmpfs, secret or ssh, not {kind!r}"
    if kind.lower() in _WITH_TARGET and fields.get("target", "").strip("/.") == "":
        return f"--mount of the type {kind} needs a target, a path other than /"
    return ""


def read(text: str, expand: Callable[[str], str]) -> Mount:
    """The mount, with its variables replaced. Raises ValueError."""
    fields = {name: expand(value) for name, value in _fields(text).items()}
    found = {name: fields.get(name, "") for name in ("source", "target", "mode", "uid", "gid")}
    return Mount(kind=fields.get("type", "bind").lower(), origin=fields.get("from", ""), **found)


def _fields(text: str) -> dict[str, str]:
    found = {}
    for field in next(csv.reader([text]), []):
        key, equals, value = field.partition("=")
        name = _NAMES.get(key.lower(), key.lower())
        if name not in _FIELDS:
            raise ValueError(f"--mount has no field {key!r}")
        if not equals and name not in _SWITCHES:
            raise ValueError(f"the field {key} of --mount has no value")
        found[name] = value
    return found
