"""The base class of the configuration's sections. It is strict, so that a misspelt key is an error."""

import msgspec


class Section(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """Base of every section."""
