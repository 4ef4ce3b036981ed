"""Which other releases of the Object Detection API have a field that the exporter's release lacks.

`releases.json` lists the fields by message: `older` ones, which were removed before the exporter's release, and `newer`
ones, from the history of the API's .proto files.
"""

import functools
from importlib import resources
from typing import NamedTuple

import msgspec

from inference_image_build.pipeline_config import schema
from inference_image_contract.hints import REQUEST_AGAIN

_OLDER = (
    f"The export reads the config with {schema.RELEASE}. Remove the lines of older releases, which a later release "
    f"ignores or sets in another way; upload the config, {REQUEST_AGAIN}"
)


class Release(NamedTuple):
    """What is known about a field: a clause, and a hint; both are empty for a field of no known release."""

    says: str = ""
    remedy: str = ""


class _Fields(msgspec.Struct, frozen=True):
    older: dict[str, dict[str, str]]
    """Message -> field -> what replaces it; empty when nothing does."""
    newer: dict[str, tuple[str, ...]]


def release_of(message: str, field: str) -> Release:
    """The release of a field of this message."""
    older = _fields().older.get(message, {})
    if field in older:
        then = f" (write `{older[field]}` in its place)" if older[field] else " (remove the line)"
        return Release(f": it is a field of an older release{then}", _OLDER)
    if field in _fields().newer.get(message, ()):
        return Release(": it is a field of a newer release")
    return Release()


@functools.cache
def _fields() -> _Fields:
    data = resources.files(__package__).joinpath("releases.json").read_bytes()
    return msgspec.json.decode(data, type=_Fields)
