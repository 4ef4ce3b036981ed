"""Names of the API, and the base class and JSON form of every part of the object."""

from typing import Any, TypeVar

import msgspec

GROUP = "uai.ucloud.cn"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "InferenceImage"
PLURAL = "inferenceimages"
REQUESTED_AT = f"{GROUP}/requestedAt"
"""The request annotation. A new value starts a run."""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every part of the object. Unknown fields are ignored: the API server has validated the object."""


class NameRef(Part, frozen=True, kw_only=True):
    """The name of an object in the InferenceImage's namespace."""

    name: str


T = TypeVar("T", bound=Part)


def read(kind: type[T], document: object) -> T:
    """Reads a part of the object from its JSON form (`dict`).

    Raises msgspec.ValidationError, which names the field, if the document does not fit.
    """
    return msgspec.convert(document, kind)


def write(part: Part) -> dict[str, Any]:
    """The JSON form of a part, without fields that have their default value."""
    document: dict[str, Any] = msgspec.to_builtins(part)
    return document
