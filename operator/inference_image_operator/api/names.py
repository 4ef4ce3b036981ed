"""Deterministic names and hashes: the same wish gives the same Job, whoever computes it and however often."""

import hashlib

import msgspec

from inference_image_operator.api import Spec, normalised

MAX_NAME = 63
_HASH_LENGTH = 10


def digest(*parts: object) -> str:
    """`sha256:<hex>` of JSON-serialisable parts; order and boundaries count."""
    return "sha256:" + hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def input_hash(spec: Spec, request: str) -> str:
    """Hash of what is wished for: the spec without its switches, and the request annotation."""
    return digest(normalised(spec).decode(), request)


def job_name(owner: str, uid: str, stage: str, content: str, attempt: int) -> str:
    """Name of a stage's Job: at most 63 characters, unique per object, stage, content and attempt.

    The owner's name comes first for people; it is cut where it would not fit and never ends in a hyphen or dot.
    """
    suffix = f"-{stage.lower()}-{digest(uid, stage, content, attempt)[7 : 7 + _HASH_LENGTH]}"
    return owner[: MAX_NAME - len(suffix)].rstrip("-.") + suffix


def event_name(owner: str, uid: str, *parts: object) -> str:
    """Name of an Event: repeating what was said gives the same name, so it is said once."""
    return f"{owner[:200]}.{digest(uid, *parts)[7:27]}"


def content_tag(content_hash: str) -> str:
    """The registry tag of one content: `content-<hex>`; never moves to other content."""
    return "content-" + content_hash.removeprefix("sha256:")
