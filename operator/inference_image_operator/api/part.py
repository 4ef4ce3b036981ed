"""What every part of the object shares: names of the API, and its JSON form."""

from typing import Any, TypeVar

import msgspec

GROUP = "uai.ucloud.cn"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "InferenceImage"
PLURAL = "inferenceimages"
REQUESTED_AT = f"{GROUP}/requestedAt"
"""Annotation: a new value examines everything again and starts a new attempt."""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every part of the object. Unknown fields are ignored: the API server has judged them already."""


class NameRef(Part, frozen=True, kw_only=True):
    """An object of the InferenceImage's own namespace, by name."""

    name: str


T = TypeVar("T", bound=Part)


def read(kind: type[T], document: object) -> T:
    """A part of the object from its JSON form (`dict`).

    Raises msgspec.ValidationError, which names the field, when the document is not of this kind.
    """
    return msgspec.convert(document, kind)


def write(part: Part) -> dict[str, Any]:
    """The JSON form of a part, fields at their defaults left out where they are plain values."""
    document: dict[str, Any] = msgspec.to_builtins(part)
    return document
