"""What an answer that is not a success means, in words a person can act on."""

import json
import re
from dataclasses import dataclass

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_contract.redact import redact

BUCKET_NOT_EXISTS = -148653

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
_PASSING = (400, 408, 429)  # 400 too: a body that was damaged on its way no longer fits its checksum


class TransientError(StageError):
    """A failure that may pass: worth another attempt. When attempts run out, it is the stage's failure."""


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


def failure(answer: Answer, bucket: str, key: str) -> StageError:
    """The failure that an error answer about an object stands for. `key` is empty for the bucket itself."""
    if answer.code == BUCKET_NOT_EXISTS:
        return StageError(
            Reason.BUCKET_NOT_FOUND,
            f"UFile has no bucket {bucket!r} at this endpoint: it answered {answer}.",
            f"Correct spec.ufile.bucket, or create the bucket in the region of spec.ufile, {_AGAIN}.",
        )
    if answer.status in _FORBIDDEN:
        return StageError(
            Reason.UFILE_FORBIDDEN,
            f"UFile refused the credentials for {what(bucket, key)}: it answered {answer}.",
            f"Check keys publicKey and privateKey of the Secret named in spec.ufile.secretRef, {_AGAIN}.",
        )
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
