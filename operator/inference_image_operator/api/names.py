"""Deterministic names and hashes: the same spec and request always give the same Job names."""

import hashlib

import msgspec

from inference_image_operator.api import Spec, normalised

MAX_NAME = 63
_HASH_LENGTH = 10


def digest(*parts: object) -> str:
    """`sha256:<hex>` of JSON-serialisable parts. Their order and boundaries matter."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def input_hash(spec: Spec, request: str) -> str:
    """Hash of the spec, without the fields that do not change the result, and of the request annotation."""
    return digest(normalised(spec).decode(), request)


def job_name(owner: str, uid: str, stage: str, content: str, attempt: int) -> str:
    """Name of a stage's Job: at most 63 characters, unique per object, stage, content and attempt.

    The owner's name comes first, for people. It is cut to fit and never ends in a hyphen or a dot.
    """
    suffix = f"-{stage.lower()}-{digest(uid, stage, content, attempt)[7 : 7 + _HASH_LENGTH]}"
    return owner[: MAX_NAME - len(suffix)].rstrip("-.") + suffix


def event_name(owner: str, uid: str, *parts: object) -> str:
    """Name of an Event. Equal parts give an equal name, so the API server stores a repeated Event once."""
    return f"{owner[:200]}.{digest(uid, *parts)[7:27]}"
