"""What an answer that is not a success means, in words a person can act on."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.redact import redact

BUCKET_NOT_EXISTS = -148653
INVALID_SIGNATURE = -148658

Doing = Literal["download", "upload", "deletion", "listing"]
"""What a request does, in the words of a token's rights."""

_AGAIN = "then set annotation uai.ucloud.cn/requestedAt to a new value"
_UNAVAILABLE_HINT = (
    "Check spec.ufile (region or endpoint), the network policy and the service's state. "
    f"The operator tries again; after its last attempt, {_AGAIN.removeprefix('then ')}."
)
_MAX_WORDS = 200
_FORBIDDEN = (401, 403)
_NOT_FOUND = 404
_BEYOND_THE_END = 416
_SERVER_ERROR = 500
_MAX_KEYS_SHOWN = 500
"""Characters of the keys that one message names."""
_TOKEN_WORDS = re.compile(r"\btoken\b|expire", re.IGNORECASE)
_PASSING = (400, 408, 429)  # 400 too: a body that was damaged on its way no longer fits its checksum


class TransientError(StageError):
    """A failure that may pass: worth another attempt. When attempts run out, it is the stage's failure."""


class ArchivedError(StageError):
    """Objects of class ARCHIVE that cannot be read before they are restored (US3 documents: introduction/storage_type).

    `keys` are all of them; the message names as many as fit.
    """

    def __init__(self, bucket: str, keys: Sequence[str]) -> None:
        super().__init__(
            Reason.OBJECT_ARCHIVED,
            f"{counted(keys)} in bucket {bucket!r} cannot be read before being restored from class ARCHIVE: "
            f"{listed(keys)}.",
            "Set spec.ufile.restore to Standard (1 to 5 hours) or Expedited (15 minutes, dearer) to have that done; or "
            f"restore what is named on the console, or upload it again in class STANDARD, {_AGAIN}.",
        )
        self.bucket = bucket
        self.keys = tuple(keys)

    def restoring(self, tier: str, takes: str) -> StageError:
        """What is said when their restore was asked for; `takes` tells how long that is."""
        return StageError(
            Reason.OBJECT_RESTORING,
            f"{counted(self.keys)} in bucket {self.bucket!r} are being restored from class ARCHIVE ({tier}, which "
            f"takes {takes}): {listed(self.keys)}.",
            "Nothing to do: the operator looks again until they can be read.",
        )


@dataclass(frozen=True)
class Answer:
    """An error answer of UFile. `code` and `words` are 0 and empty when it had no readable body."""

    status: int
    code: int = 0
    words: str = ""

    def __str__(self) -> str:
        words = f": {self.words}" if self.words else ""
        return f"{self.status} (RetCode {self.code}{words})" if self.code else f"{self.status}{words}"


def parse(status: int, body: bytes) -> Answer:
    """The answer in a response; a body that is not UFile's JSON counts as none."""
    try:
        document = json.loads(body)
        code, words = int(document["RetCode"]), str(document["ErrMsg"])
    except (ValueError, KeyError, TypeError):
        return Answer(status)
    return Answer(status, code, clean(words))


def clean(words: str) -> str:
    """Text of a stranger, made fit for a message: one line, short, without what looks like a credential."""
    return redact(re.sub(r"[^\x20-\x7e\u00a0-\uffff]+", " ", words))[:_MAX_WORDS]


def failure(answer: Answer, bucket: str, key: str, doing: Doing, *, temporary: bool = False) -> StageError:
    """The failure that an error answer about an object stands for.

    `key` is empty for the bucket itself, and a prefix for a listing; `temporary` tells keys of STS.
    """
    if answer.code == BUCKET_NOT_EXISTS:
        return StageError(
            Reason.BUCKET_NOT_FOUND,
            f"UFile has no bucket {bucket!r} at this endpoint: it answered {answer}.",
            f"Correct spec.ufile.bucket, or create the bucket in the region of spec.ufile, {_AGAIN}.",
        )
    if answer.status in _FORBIDDEN:
        return _forbidden(answer, bucket, key, doing, temporary=temporary)
    if answer.status == _NOT_FOUND:
        return StageError(
            Reason.OBJECT_NOT_FOUND,
            f"There is no {what(bucket, key)}.",
            f"Upload the object or correct the key that names it, {_AGAIN}.",
        )
    if answer.status == _BEYOND_THE_END:  # only pinned sizes are asked for
        return changed(bucket, key, "its size", "a smaller one")
    if answer.status in _PASSING or answer.status >= _SERVER_ERROR:
        return unavailable(bucket, key, f"it answered {answer}")
    return StageError(
        Reason.UFILE_UNAVAILABLE,
        f"UFile cannot be used for {what(bucket, key)}: it answered {answer}.",
        _UNAVAILABLE_HINT,
    )


def _forbidden(answer: Answer, bucket: str, key: str, doing: Doing, *, temporary: bool) -> StageError:
    """How the service tells that a temporary key has expired is not documented, so its words decide."""
    target = f"keys {key!r}... in bucket {bucket!r}" if doing == "listing" and key else what(bucket, key)
    if temporary and _TOKEN_WORDS.search(answer.words):
        return StageError(
            Reason.SECURITY_TOKEN_REFUSED,
            f"UFile refused the temporary keys of STS for the {doing} of {target}: it answered {answer}.",
            "Temporary keys expire. Get new ones (AssumeRole) and put publicKey, privateKey and securityToken, all "
            f"three of them, into the Secret named in spec.ufile.secretRef, {_AGAIN}. Let them hold for a whole run "
            "(DurationSeconds), or use a token (TOKEN_...) instead.",
        )
    renew = " Temporary keys (STS) expire: renew them with their securityToken." if temporary else ""
    return StageError(
        Reason.UFILE_FORBIDDEN,
        f"UFile refused the credentials for the {doing} of {target}: it answered {answer}.",
        "Check keys publicKey and privateKey of the Secret named in spec.ufile.secretRef, and whether a token "
        f"(TOKEN_...) has this right for these keys (docs/guides/us3.md lists what each stage needs), {_AGAIN}.{renew}",
    )


def overwrite_forbidden(key: str, refusal: StageError) -> StageError:
    """An upload that was refused where an object is.

    US3 documents one answer for a token that may not upload there and for one that must not overwrite (the SDKs'
    pages: 401, "no authorization found").
    """
    return StageError(
        Reason.OVERWRITE_FORBIDDEN,
        f"{refusal.message.removesuffix('.')}. There is an object of other content already, which the credentials may "
        "not replace.",
        f"Delete {key!r}, or let the token overwrite (and upload) there, {_AGAIN}.",
    )


def counted(keys: Sequence[str]) -> str:
    """How many objects these are."""
    return f"{len(keys)} objects" if len(keys) > 1 else "1 object"


def listed(keys: Sequence[str]) -> str:
    """The keys in a sentence, as many as fit, and how many are left out."""
    shown = [repr(keys[0])] if keys else []
    for key in keys[1:]:
        if sum(map(len, shown)) + len(key) > _MAX_KEYS_SHOWN:
            break
        shown.append(repr(key))
    left = len(keys) - len(shown)
    return ", ".join(shown) + (f" and {left} more" if left else "")


def unavailable(bucket: str, key: str, detail: str) -> TransientError:
    """UFile did not answer, or not in a way that can be used; `detail` says which."""
    return TransientError(
        Reason.UFILE_UNAVAILABLE, f"UFile cannot be used for {what(bucket, key)}: {detail}.", _UNAVAILABLE_HINT
    )


def overdue(what: str, seconds: float, done: int, total: int) -> StageError:
    """A transfer that took longer than it may, all its attempts together."""
    return StageError(
        Reason.UFILE_UNAVAILABLE,
        f"The {what} is not done after {seconds:.0f} s: {done} of {total} bytes were moved.",
        _UNAVAILABLE_HINT,
    )


def corrupt(bucket: str, key: str, detail: str) -> TransientError:
    """The bytes are not the object's; `detail` says how that shows."""
    return TransientError(
        Reason.OBJECT_CORRUPT,
        f"The {what(bucket, key)} does not arrive whole: {detail}.",
        f"Upload the object again (with the UFile SDK or console, not through the S3 endpoint), {_AGAIN}.",
    )


def changed(bucket: str, key: str, expected: str, actual: str) -> StageError:
    """The object is another one than the one that was pinned."""
    return StageError(
        Reason.SOURCE_CHANGED,
        f"The {what(bucket, key)} changed since it was resolved: {expected} became {actual}.",
        "Nothing to do: the operator resolves again. If it repeats, stop overwriting the object meanwhile.",
    )


def over_limit(bucket: str, key: str, detail: str) -> StageError:
    """More than this project takes; `detail` has both numbers."""
    return StageError(
        Reason.LIMIT_EXCEEDED,
        f"The {what(bucket, key)} is over the limit: {detail}.",
        f"Name a smaller object or a narrower prefix in the spec, or move what does not belong there, {_AGAIN}.",
    )


def what(bucket: str, key: str) -> str:
    """The object, or the bucket, as messages name it."""
    return f"object {key!r} in bucket {bucket!r}" if key else f"bucket {bucket!r}"
