"""What a Job container reports: one JSON document in its termination message.

The kubelet cuts a termination message at 4,096 bytes; ours stay under 3 KiB. A log tail that would not fit is cut,
a result never is.
"""

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

import msgspec

from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Graph, InputLockRef, PinnedObject
from inference_image_contract.paths import RESULT_ENV, RESULT_PATH
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_contract.redact import redact

MAX_BYTES = 3072
_ADDED = 64
"""Bytes kept free for `peakMemoryBytes`."""
MAX_TEXT = 1200
"""Bytes of a message or a hint as JSON."""


class Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every result. Unknown fields are ignored: a newer Job image may say more."""

    schema_version: int = 1
    peak_memory_bytes: int = 0
    """Highest resident set of this process, of the kernel's accounting (`ru_maxrss`), or of one that it started."""


class Failed(Result, frozen=True, kw_only=True):
    """The stage ended with an explanation."""

    reason: str
    message: str
    hint: str


class StageWarning(msgspec.Struct, frozen=True, rename="camel"):
    """What a stage found that is no failure and may become one: a sentence and the remedy."""

    reason: str
    """One of `WarningReason`."""
    message: str


class Built(Result, frozen=True, kw_only=True):
    """Result of `report`: what the registry serves."""

    digest: str
    """sha256:<64 hex>."""
    size: int
    """Bytes of the manifest's layers and configuration, compressed."""
    warnings: tuple[StageWarning, ...] = ()


class Resolved(Result, frozen=True, kw_only=True):
    """Result of `resolve`."""

    fingerprint: str
    content_hash: str
    input_lock: InputLockRef
    step: int | None = None
    """None for a ready graph, which is then the only one of `files`."""
    files: tuple[PinnedObject, ...]
    """As many checkpoint files as fit; `file_count` is the true number."""
    file_count: int
    num_classes: int
    context_bytes: int
    """Source and graph, for sizing the build's scratch space; the checkpoint's size stands for the graph's."""
    base_bytes: int
    """Compressed size of the base images."""
    model_bytes: int = 0
    """Size of the model's variables in the checkpoint, without those of its optimizer; of a ready graph, its size."""
    commit: str = ""
    """The commit of the source, when that is a Git repository."""
    graph: Graph | None = None
    """The verified graph of this fingerprint, when it is there already."""
    image: Built | None = None
    """The image of this content, when the registry serves it already."""
    registry_host: str = ""
    """Another name of the registry of `spec.image.repository`, where the login is for that one."""
    warnings: tuple[StageWarning, ...] = ()


class Exported(Result, frozen=True, kw_only=True):
    """Result of the export."""

    graph: Graph
    not_overwritten: str = ""
    """The tutorial's key, where it keeps another graph because the token must not overwrite; else it has this one."""


class Assembled(Result, frozen=True, kw_only=True):
    """Result of `assemble`."""

    context_bytes: int
    file_count: int


class Appended(Result, frozen=True, kw_only=True):
    """Result of `append`."""

    digest: str
    pushed_bytes: int
    """Bytes of blobs that were uploaded."""
    reused_bytes: int
    """Bytes of blobs that the registry had, in this repository or another."""


class Answered(Result, frozen=True, kw_only=True):
    """Result of `answer`."""

    detections: int


class Probed(Result, frozen=True, kw_only=True):
    """Result of `probe`."""

    ready_seconds: float
    answer_seconds: float
    memory_bytes: int = 0
    """Resident memory that the image tells of itself after its answer; 0 when it tells none."""


class MovedTag(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A tag and the digest it pointed at before, empty when it was new."""

    tag: str
    previous: str = ""
    repository: str = ""
    """Empty for that of `spec.image.repository`."""


class Published(Result, frozen=True, kw_only=True):
    """Result of `publish`."""

    digest: str
    size: int
    tags: tuple[MovedTag, ...]
    """As many as fit, those of `spec.image.repository` first."""
    deleted: int = 0
    """Content tags that retention removed."""
    retention: str = ""
    """Why retention did less than it was asked for, empty if it did all."""


def peak_memory_bytes() -> int:
    """Highest resident set of this process so far, in bytes (Linux reports KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fits(result: Result) -> bool:
    """Whether a termination message carries it, with what `run` adds to it."""
    return len(msgspec.json.encode(result)) + _ADDED <= MAX_BYTES


def encode(result: Result) -> bytes:
    """The JSON bytes of a result.

    Raises ValueError when they exceed what a termination message carries.
    """
    data = msgspec.json.encode(result)
    if len(data) > MAX_BYTES:
        raise ValueError(f"a result of {len(data)} bytes does not fit in {MAX_BYTES}")
    return data


def run(stage: Callable[[], Result], secrets: Iterable[str] = ()) -> ExitCode:
    """Runs a stage and writes its result, success or failure, where the kubelet finds it.

    `secrets` are values that must not leave this process; they are replaced wherever they appear. An unforeseen
    exception becomes `InternalError`, its traceback goes to the (redacted) log. SIGTERM ends the stage without a
    result.
    """
    signal.signal(signal.SIGTERM, _stopped)
    values = tuple(secrets)
    try:
        result: Result = stage()
        code = ExitCode.OK
    except StageError as error:
        code = error.exit_code
        result = _failure(error.reason, error.message, error.hint, values)
    except Exception as error:  # noqa: BLE001 - the last line of defence: every end of a stage is explained
        code = ExitCode.INTERNAL
        print(redact(traceback.format_exc(), values), file=sys.stderr)
        result = _failure(
            Reason.INTERNAL_ERROR,
            f"{type(error).__name__}: {error}",
            "This is a defect of the operator: report it with the log of this Job.",
            values,
        )
    peak = max(result.peak_memory_bytes, peak_memory_bytes())
    result = msgspec.structs.replace(result, peak_memory_bytes=peak)
    data = encode(result)
    print(redact(data.decode(), values), file=sys.stderr)
    Path(os.environ.get(RESULT_ENV, RESULT_PATH)).write_bytes(data)
    return code


def _stopped(number: int, _: FrameType | None) -> None:
    """As the first process of a container it would not hear SIGTERM at all, and work on until it is killed.

    A stage that completes in that time looks like a success of which nobody has the result: its pod is gone.
    """
    sys.exit(128 + number)


def _failure(reason: Reason, message: str, hint: str, secrets: tuple[str, ...]) -> Failed:
    return Failed(reason=reason, message=_cut(redact(message, secrets)), hint=_cut(redact(hint, secrets)))


def _cut(text: str) -> str:
    """The text, or as much of its beginning as fits."""
    if len(msgspec.json.encode(text)) <= MAX_TEXT:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(msgspec.json.encode(text[:middle])) <= MAX_TEXT else (low, middle)
    return text[:low] + "…"
