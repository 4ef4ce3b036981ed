"""What a Job container reports: one JSON document in its termination message.

The kubelet cuts a termination message at 4,096 bytes; ours stay under 3 KiB. A text that
does not fit is cut, a result never is.
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

from inference_image_contract import clock, graph_keys
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import Graph, InputLockRef, PinnedObject
from inference_image_contract.paths import RESULT_ENV, RESULT_PATH
from inference_image_contract.reasons import ExitCode, Reason
from inference_image_contract.redact import redact

MAX_BYTES = 3072
_ADDED = 64
"""Bytes kept free for `peakMemoryBytes`."""
_MAX_SHOWN = 200
"""Characters of a key that only appears in a message."""
MAX_TEXT = 1200
"""Bytes of a message or a hint as JSON."""


class Result(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of every result. Unknown fields are ignored: a newer Job image may say more."""

    schema_version: int = 1
    peak_memory_bytes: int = 0
    """Peak resident set (`ru_maxrss`) of this process or of one that it started."""


class Failed(Result, frozen=True, kw_only=True):
    """The stage ended with an explanation."""

    reason: str
    message: str
    hint: str


class StageWarning(msgspec.Struct, frozen=True, rename="camel"):
    """A problem that is not a failure yet: one sentence and the remedy."""

    reason: str
    """The value of a `Reason`."""
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
    inputs_hash: str
    """As in `InputLock`."""
    input_lock: InputLockRef
    step: int | None = None
    """None for an imported graph, which is then the only entry of `files`, and for a checkpoint without a step."""
    checkpoint_name: str = ""
    """The name of a checkpoint without a step, such as `model.ckpt`."""
    files: tuple[PinnedObject, ...]
    """As many checkpoint files as fit; `file_count` counts all of them."""
    file_count: int
    num_classes: int
    context_bytes: int
    """Source and graph, to size the build's scratch space; the checkpoint's size is used for the graph."""
    base_bytes: int
    """Compressed size of the base images."""
    model_bytes: int = 0
    """Size of the model's variables in the checkpoint, without optimizer slots; for an imported graph, its size."""
    commit: str = ""
    """The commit of the source, when the source is a Git repository."""
    graph: Graph | None = None
    """The graph of this fingerprint, if an export of this object made it and it is complete."""
    image: Built | None = None
    """The image of this content hash, if a build of this object made it and the registry serves it."""
    sample_etag: str = ""
    """ETag of the sample; empty without one."""
    registry_host: str = ""
    """Another name of the registry in `spec.image.repository`, set when the login is for that name."""
    warnings: tuple[StageWarning, ...] = ()


class HandedOn(Result, frozen=True, kw_only=True):
    """Result of `download`, `export` and `sample`, which leave files for the next container."""

    files: int
    size: int
    """Bytes of all files."""


class Exported(Result, frozen=True, kw_only=True):
    """Result of `upload`: the export's."""

    graph: Graph
    not_overwritten: str = ""
    """The tutorial's key, if it still holds another graph because the token must not overwrite; else empty."""


class Assembled(Result, frozen=True, kw_only=True):
    """Result of `assemble`."""

    context_bytes: int
    file_count: int


class Pulled(Result, frozen=True, kw_only=True):
    """Result of `pull`."""

    images: int
    size: int
    """Bytes of all their blobs, compressed."""


class Served(Result, frozen=True, kw_only=True):
    """Result of `depot`, once it is told to end."""


class Appended(Result, frozen=True, kw_only=True):
    """Result of `append`."""

    digest: str
    pushed_bytes: int
    """Bytes of blobs that were uploaded."""
    reused_bytes: int
    """Bytes of blobs that the registry already had, in this repository or another."""


class Answered(Result, frozen=True, kw_only=True):
    """Result of `answer`."""

    detections: int


class Probed(Result, frozen=True, kw_only=True):
    """Result of `probe`."""

    ready_seconds: float
    answer_seconds: float
    memory_bytes: int = 0
    """Resident memory that the image reports after its answer; 0 when it reports none."""


class MovedTag(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A tag and the digest that it pointed to before; empty when it is new."""

    tag: str
    previous: str = ""
    repository: str = ""
    """Empty for `spec.image.repository`."""


class Published(Result, frozen=True, kw_only=True):
    """Result of `publish`."""

    digest: str
    size: int
    tags: tuple[MovedTag, ...]
    """As many as fit, those of `spec.image.repository` first."""
    deleted: int = 0
    """Content tags that retention removed."""
    retention: str = ""
    """Why retention removed less than requested; empty if it removed everything."""


def peak_memory_bytes() -> int:
    """Highest resident set of this process so far, in bytes (Linux reports KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fits(result: Result) -> bool:
    """Whether the result, with what `run` adds, fits into a termination message."""
    return len(msgspec.json.encode(result)) + _ADDED <= MAX_BYTES


def fitted(result: Result) -> Result:
    """The result, with shorter keys if it does not fit; the reader restores them.

    Raises StageError (`LimitExceeded`) when that is not enough.
    """
    if isinstance(result, Exported | Resolved) and result.graph and not fits(result):
        result = msgspec.structs.replace(result, graph=graph_keys.relative(result.graph))
    if isinstance(result, Exported) and not fits(result):
        result = msgspec.structs.replace(result, not_overwritten=result.not_overwritten[-_MAX_SHOWN:])
    if not fits(result):
        raise StageError(
            Reason.LIMIT_EXCEEDED,
            f"The result of this stage does not fit into a termination message: it has more than {MAX_BYTES} bytes.",
            "Set spec.export.outputPrefix to a shorter prefix.",
        )
    return result


def encode(result: Result) -> bytes:
    """The JSON bytes of a result.

    Raises ValueError when they do not fit into a termination message.
    """
    data = msgspec.json.encode(result)
    if len(data) > MAX_BYTES:
        raise ValueError(f"a result of {len(data)} bytes does not fit in {MAX_BYTES}")
    return data


def run(step: Callable[[], Result], secrets: Iterable[str] = (), marks: clock.Marks | None = None) -> ExitCode:
    """Runs a step and writes its result, success or failure, where the kubelet finds it.

    `secrets` are values that must not leave this process; they are masked wherever they appear. An unexpected
    exception becomes `InternalError`, and its traceback goes to the (redacted) log. SIGTERM ends the step without a
    result. The last line of the log says how long it took, by `marks`.
    """
    signal.signal(signal.SIGTERM, _stopped)
    values = tuple(secrets)
    try:
        result: Result = fitted(step())
        code = ExitCode.OK
    except StageError as error:
        code = error.exit_code
        result = _failure(error.reason, error.message, error.hint, values)
    except Exception as error:  # noqa: BLE001 - the last line of defence: every failure of a step is explained
        code = ExitCode.INTERNAL
        print(redact(traceback.format_exc(), values), file=sys.stderr)
        result = _failure(
            Reason.INTERNAL_ERROR,
            f"{type(error).__name__}: {error}",
            "This is a bug in the operator. Report it with the log of this Job.",
            values,
        )
    peak = max(result.peak_memory_bytes, peak_memory_bytes())
    result = msgspec.structs.replace(result, peak_memory_bytes=peak)
    data = encode(result)
    print(redact(data.decode(), values), file=sys.stderr)
    Path(os.environ.get(RESULT_ENV, RESULT_PATH)).write_bytes(data)
    if marks and (took := marks.took()):
        print(clock.line(took), file=sys.stderr)
    return code


def _stopped(number: int, _: FrameType | None) -> None:
    """Exits on SIGTERM. PID 1 of a container ignores SIGTERM by default and would run until it is killed.

    A step that completes in that time would look successful, but its pod, and with it the result, is gone.
    """
    sys.exit(128 + number)


def _failure(reason: Reason, message: str, hint: str, secrets: tuple[str, ...]) -> Failed:
    return Failed(reason=reason, message=_cut(redact(message, secrets)), hint=_cut(redact(hint, secrets)))


def _cut(text: str) -> str:
    """The text, or the longest prefix that fits."""
    if len(msgspec.json.encode(text)) <= MAX_TEXT:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if len(msgspec.json.encode(text[:middle])) <= MAX_TEXT else (low, middle)
    return text[:low] + "…"
