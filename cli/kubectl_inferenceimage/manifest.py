"""Reads an InferenceImage from a file and checks all that can be checked without an API server."""

import re
from typing import Any, NamedTuple

import msgspec

from inference_image_operator.api import API_VERSION, KIND, REQUESTED_AT, Spec
from inference_image_operator.api import read as read_part
from kubectl_inferenceimage import crd, documents
from kubectl_inferenceimage.errors import CommandError

DEFAULT_NAMESPACE = "default"
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_NAMESPACE = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class Image(NamedTuple):
    """The content of a manifest."""

    name: str
    namespace: str
    spec: Spec
    request: str
    """Value of the annotation `uai.ucloud.cn/requestedAt`."""


def read(path: str, namespace: str = "") -> Image:
    """The InferenceImage in a file, or on standard input for `-`. `namespace` is the value of `-n`.

    Raises CommandError with what is wrong and where.
    """
    return parsed(path, checked(path), namespace)


def checked(path: str) -> dict[str, Any]:
    """The document of an InferenceImage in a file, which fits the CRD's schema. Raises CommandError as `read`."""
    found = documents.read(path)
    if len(found) != 1:
        raise CommandError(f"{path} has {len(found)} documents; give a file with exactly one {KIND}.")
    document = found[0]
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(document, dict) or kind != KIND:
        raise CommandError(f"{path} is not an {KIND}: its kind is {kind or 'not set'}.")
    if document.get("apiVersion") != API_VERSION:
        raise CommandError(f"{path}: apiVersion must be {API_VERSION}.")
    if fault := crd.fault(document):
        raise CommandError(f"{path} does not match the CustomResourceDefinition: {fault}.")
    return document


def parsed(path: str, document: dict[str, Any], namespace: str = "") -> Image:
    """The content of a document that `checked` returns. Raises CommandError as `read`."""
    meta = document.get("metadata") or {}
    name, own = meta.get("name", ""), meta.get("namespace", "")
    annotations = meta.get("annotations") or {}
    request = annotations.get(REQUESTED_AT, "") if isinstance(annotations, dict) else None
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CommandError(f"{path}: metadata.name must be a valid name: lower case letters, digits, '-' and '.'.")
    if namespace and own and namespace != own:
        raise CommandError(f"{path}: metadata.namespace is {own}, but --namespace is {namespace}; give only one.")
    chosen = namespace or own or DEFAULT_NAMESPACE
    if not isinstance(chosen, str) or not _NAMESPACE.fullmatch(chosen):
        raise CommandError(f"{path}: the namespace must be a valid name: lower case letters, digits and '-'.")
    if not isinstance(request, str):
        raise CommandError(
            f"{path}: the values of metadata.annotations must be strings; put the value of {REQUESTED_AT} in quotes."
        )
    try:
        return Image(name, chosen, read_part(Spec, document["spec"]), request)
    except msgspec.ValidationError as error:
        raise CommandError(f"{path}: spec: {error}.") from error
