"""Names of the API, and the base class and JSON form of every part of the object."""

from typing import Any, TypeVar, get_args

import msgspec

GROUP = "uai.ucloud.cn"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "InferenceImage"
PLURAL = "inferenceimages"
INSTALLATION = f"{GROUP}/installation"
"""Annotation: the installation that is to serve the object, if several could."""


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every part of the object. Unknown fields are ignored: the API server has validated the object."""


class NameRef(Part, frozen=True, kw_only=True):
    """The name of an object in the InferenceImage's namespace."""

    name: str


T = TypeVar("T", bound=Part)

_UNREADABLE = object()


def read(kind: type[T], document: object) -> T:
    """Reads a part of the object from its JSON form (`dict`).

    Raises msgspec.ValidationError, which names the field, if the document does not fit.
    """
    return msgspec.convert(document, kind)


def read_leniently(kind: type[T], document: object) -> tuple[T, tuple[str, ...]]:
    """Reads a part of which every field is optional, without the values that do not fit, and says which those are.

    Another client, or a later version of the operator, may have written them. A value that does not fit is left out. If
    it is required, the part or the entry of a list that needs it is left out as a whole.

    Raises msgspec.ValidationError if the document is no object.
    """
    try:
        return read(kind, document), ()
    except msgspec.ValidationError:
        problems: list[str] = []
        return read(kind, _readable(kind, document, "", problems)), tuple(problems)


def _readable(kind: Any, value: object, path: str, problems: list[str]) -> object:  # noqa: ANN401 - any annotation
    """What of a value fits the annotation `kind`; `_UNREADABLE` if nothing does."""
    part = next((t for t in (kind, *get_args(kind)) if isinstance(t, type) and issubclass(t, Part)), None)
    if part and isinstance(value, list):
        items = (_readable(part, item, f"{path}[{index}]", problems) for index, item in enumerate(value))
        return [item for item in items if item is not _UNREADABLE]
    if part and isinstance(value, dict):
        fields = {field.encode_name: field.type for field in msgspec.structs.fields(part) if field.encode_name in value}
        found = {name: _readable(type_, value[name], f"{path}.{name}", problems) for name, type_ in fields.items()}
        kind, value = part, {name: item for name, item in found.items() if item is not _UNREADABLE}
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        problems.append(f"{path}: {error}")
        return _UNREADABLE
    return value


def write(part: Part) -> dict[str, Any]:
    """The JSON form of a part, without fields that have their default value."""
    document: dict[str, Any] = msgspec.to_builtins(part)
    return document
