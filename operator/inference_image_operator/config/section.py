"""The base class of the configuration's sections. It is strict, so that a misspelt key is an error."""

import msgspec

from inference_image_operator.api import parse_duration


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of every section."""


def seconds(key: str, text: str) -> int:
    """Seconds of a duration; raises ValueError, which names the key."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise ValueError(f"`{key}`: {error}") from error
