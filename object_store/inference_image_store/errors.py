"""Turns UFile's error replies into failures that tell a person what to do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from inference_image_contract import untrusted_json
from inference_image_contract.errors import StageError
from inference_image_contract.hints import ANNOTATE, REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_contract.redact import redact

BUCKET_NOT_EXISTS = -148653
INVALID_SIGNATURE = -148658

Doing = Literal["download", "upload", "deletion", "listing"]
"""What a request does, named after the rights of a token."""

_UNAVAILABLE_HINT = (
    "Check spec.ufile (region or endpoint), the network policy and the service's state. "
    f"The operator retries. After its last attempt, {ANNOTATE}."
)
_MAX_WORDS = 200
_MAX_REPLY = 64 * 1024
"""Bytes of an error reply that are parsed."""
_FORBIDDEN = (401, 403)
_NOT_FOUND = 404
_BEYOND_THE_END = 416
_SERVER_ERROR = 500
_MAX_KEYS_SHOWN = 500
"""Maximal characters for keys in one message."""
_TOKEN_WORDS = re.compile(r"\btoken\b|expire", re.IGNORECASE)
_PASSING = (400, 408, 429)  # 400 too: a body damaged in transit does not match its checksum


class TransientError(StageError):
    """A transient failure, worth a retry. When retries run out, it becomes the stage's failure."""


class ArchivedError(StageError):
    """Objects of class ARCHIVE that are unreadable until restored (US3 documents: introduction/storage_type).

    `keys` contains all of them; the message names as many as fit.
    """

    def __init__(self, bucket: str, keys: Sequence[str]) -> None:
        super().__init__(
            Reason.OBJECT_ARCHIVED,
            f"{counted(keys)} in bucket {bucket!r} must be restored from class ARCHIVE before use: {listed(keys)}.",
            "Set spec.ufile.restore to Standard (1 to 5 hours) or Expedited (15 minutes, more expensive), so that the "
            "operator restores them; or restore them on the console, or upload them again in class STANDARD, "
            f"{REQUEST_AGAIN}",
        )
        self.bucket = bucket
        self.keys = tuple(keys)

    def restoring(self, tier: str, takes: str) -> StageError:
        """The failure while their restore is in progress; `takes` is its duration."""
        return StageError(
            Reason.OBJECT_RESTORING,
            f"{counted(self.keys)} in bucket {self.bucket!r} are being restored from class ARCHIVE ({tier}, which "
            f"takes {takes}): {listed(self.keys)}.",
            "Nothing to do: the operator checks again until they are readable.",
        )


@dataclass(frozen=True)
class ErrorReply:
    """An error reply of UFile. `code` is 0 and `words` is empty without a readable body."""

    status: int
    code: int = 0
    words: str = ""

    def __str__(self) -> str:
        words = f": {self.words}" if self.words else ""
        return f"{self.status} (RetCode {self.code}{words})" if self.code else f"{self.status}{words}"


def parse(status: int, body: bytes) -> ErrorReply:
    """Parses an error response; ignores a body that is not UFile's JSON."""
    try:
        document = untrusted_json.read(body, dict[str, Any], max_bytes=_MAX_REPLY)
        code, words = int(document["RetCode"]), str(document["ErrMsg"])
    except (ValueError, KeyError, TypeError, OverflowError):
        return ErrorReply(status)
    return ErrorReply(status, code, sanitize(words))


def sanitize(words: str) -> str:
    """Sanitizes untrusted text for a message: one short line without anything that looks like a credential."""
    return redact(re.sub(r"[^\x20-\x7e\u00a0-\uffff]+", " ", words))[:_MAX_WORDS]


def failure(answer: ErrorReply, bucket: str, key: str, doing: Doing, *, temporary: bool = False) -> StageError:
    """The failure for an error reply about an object.

    `key` is empty for the bucket itself and a prefix for a listing. `temporary` is true for keys of STS.
    """
    if answer.code == BUCKET_NOT_EXISTS:
        return StageError(
            Reason.BUCKET_NOT_FOUND,
            f"UFile has no bucket {bucket!r} at this endpoint: it returned {answer}.",
            f"Correct spec.ufile.bucket, or create the bucket in the region of spec.ufile, {REQUEST_AGAIN}",
        )
    if answer.status in _FORBIDDEN:
        return _forbidden(answer, bucket, key, doing, temporary=temporary)
    if answer.status == _NOT_FOUND:
        return StageError(
            Reason.OBJECT_NOT_FOUND,
            f"The {describe(bucket, key)} does not exist.",
            f"Upload the object, or correct the key that names it, {REQUEST_AGAIN}",
        )
    if answer.status == _BEYOND_THE_END:  # requests use pinned sizes only
        return changed(bucket, key, "its size", "a smaller one")
    if answer.status in _PASSING or answer.status >= _SERVER_ERROR:
        return unavailable(bucket, key, f"it returned {answer}")
    return StageError(
        Reason.UFILE_UNAVAILABLE,
        f"UFile cannot be used for {describe(bucket, key)}: it answered {answer}.",
        _UNAVAILABLE_HINT,
    )


def _forbidden(answer: ErrorReply, bucket: str, key: str, doing: Doing, *, temporary: bool) -> StageError:
    """The service's reply for expired temporary keys is not documented, so the words in it decide."""
    target = f"keys {key!r}... in bucket {bucket!r}" if doing == "listing" and key else describe(bucket, key)
    if temporary and _TOKEN_WORDS.search(answer.words):
        return StageError(
            Reason.SECURITY_TOKEN_REFUSED,
            f"UFile rejected the temporary STS keys for the {doing} of {target}: it returned {answer}.",
            "Temporary keys expire. Get new ones (AssumeRole), put publicKey, privateKey and securityToken, all "
            f"three, into the Secret named in spec.ufile.secretRef, and {ANNOTATE}. Make them valid for a whole run "
            "(DurationSeconds), or use a token (TOKEN_...) instead.",
        )
    renew = " Temporary keys (STS) expire: renew them with their securityToken." if temporary else ""
    return StageError(
        Reason.UFILE_FORBIDDEN,
        f"UFile rejected the credentials for the {doing} of {target}: it returned {answer}.",
        "Check publicKey and privateKey in the Secret named in spec.ufile.secretRef, and whether a token "
        f"(TOKEN_...) has this right for these keys (docs/guides/us3.md lists what each stage needs), "
        f"{REQUEST_AGAIN}{renew}",
    )


def overwrite_forbidden(key: str, refusal: StageError) -> StageError:
    """The failure of a rejected upload to an existing object.

    US3 documents the same reply for a token that must not upload there and for one that must not overwrite (the SDKs'
    pages: 401, "no authorization found").
    """
    return StageError(
        Reason.OVERWRITE_FORBIDDEN,
        f"{refusal.message.removesuffix('.')}. An object with other content exists, which the credentials may "
        "not replace.",
        f"Delete {key!r}, or let the token upload and overwrite there, {REQUEST_AGAIN}",
    )


def counted(keys: Sequence[str]) -> str:
    """The number of objects in words."""
    return f"{len(keys)} objects" if len(keys) > 1 else "1 object"


def listed(keys: Sequence[str]) -> str:
    """The keys in a sentence, as many as fit, and the number of the others."""
    shown = [repr(keys[0])] if keys else []
    for key in keys[1:]:
        if sum(map(len, shown)) + len(key) > _MAX_KEYS_SHOWN:
            break
        shown.append(repr(key))
    left = len(keys) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def unavailable(bucket: str, key: str, detail: str) -> TransientError:
    """The failure for no reply or an unusable one; `detail` says which."""
    return TransientError(
        Reason.UFILE_UNAVAILABLE, f"UFile cannot be used for {describe(bucket, key)}: {detail}.", _UNAVAILABLE_HINT
    )


def overdue(what: str, seconds: float, done: int, total: int) -> StageError:
    """The failure of a transfer that exceeds its deadline, over all its attempts."""
    return StageError(
        Reason.UFILE_UNAVAILABLE,
        f"The {what} is incomplete after {seconds:.0f} s: {done} of {total} bytes are transferred.",
        _UNAVAILABLE_HINT,
    )


def corrupt(bucket: str, key: str, detail: str) -> TransientError:
    """The failure for wrong bytes; `detail` says what differs."""
    return TransientError(
        Reason.OBJECT_CORRUPT,
        f"The {describe(bucket, key)} is corrupt: {detail}.",
        f"Upload the object again (with the UFile SDK or the console, not through the S3 endpoint), {REQUEST_AGAIN}",
    )


def changed(bucket: str, key: str, expected: str, actual: str) -> StageError:
    """The failure for an object that differs from the pinned one."""
    return StageError(
        Reason.SOURCE_CHANGED,
        f"The {describe(bucket, key)} changed after it was resolved: {expected} became {actual}.",
        "Nothing to do: the operator resolves again. If this repeats, stop overwriting the object during a run.",
    )


def over_limit(bucket: str, key: str, detail: str) -> StageError:
    """The failure above a limit; `detail` has both numbers."""
    return StageError(
        Reason.LIMIT_EXCEEDED,
        f"The {describe(bucket, key)} exceeds the limit: {detail}.",
        f"Name a smaller object or a narrower prefix in the spec, or move unneeded objects, {REQUEST_AGAIN}",
    )


def describe(bucket: str, key: str) -> str:
    """The object or the bucket, in words for a message."""
    return f"object {key!r} in bucket {bucket!r}" if key else f"bucket {bucket!r}"
