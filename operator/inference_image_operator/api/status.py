"""The status: what is.

Times are RFC 3339 in UTC, digests and hashes `sha256:<hex>` unless said otherwise, sizes bytes.
"""

from typing import Literal

import msgspec

from inference_image_operator.api.part import Part

ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(Part, frozen=True, kw_only=True):
    """A condition of the API conventions."""

    type: str
    status: ConditionStatus
    reason: str
    message: str
    last_transition_time: str
    observed_generation: int = 0


class RunStatus(Part, frozen=True, kw_only=True):
    """The run that this status reports: one pass through the stages for one wish."""

    input_hash: str
    """Hash of the spec's wish and of the request annotation."""
    generation: int
    """Generation of the object when the run began."""
    resolve_count: int = 1
    """How often the inputs were pinned in this run; more than once when they changed under it."""
    restart_count: int = 0
    """How often a look found other content for this wish, and the run began anew."""
    registry_host: str = ""
    """Another name of the registry of `spec.image.repository`, through which builder and kubelets reach it."""


class SourceStatus(Part, frozen=True, kw_only=True):
    """The pinned source, where it has a name of its own."""

    commit: str
    """Of the Git repository, 40 hex digits."""


class BuiltStatus(Part, frozen=True, kw_only=True):
    """The image of this run's content as the registry serves it, before its test and its tags."""

    digest: str
    size: int = 0


class CheckpointFile(Part, frozen=True, kw_only=True):
    """One file of the pinned checkpoint."""

    key: str
    size: int
    etag: str


class CheckpointStatus(Part, frozen=True, kw_only=True):
    """The pinned checkpoint, or the ready graph in its place."""

    step: int | None = None
    """None for a ready graph."""
    fingerprint: str
    """Hash of everything that enters the export."""
    files: tuple[CheckpointFile, ...] = ()
    """At most 64."""
    model_bytes: int = 0
    """Size of the model's variables, without those of its optimizer; of a ready graph, its size."""


class InputLockStatus(Part, frozen=True, kw_only=True):
    """The document in UFile that pins every input, and what the build must make room for."""

    key: str
    sha256: str
    """Hex."""
    context_bytes: int = 0
    base_bytes: int = 0


class StoredFileStatus(Part, frozen=True, kw_only=True):
    """A result in UFile."""

    key: str
    sha256: str
    """Hex."""
    size: int


class OnnxStatus(StoredFileStatus, frozen=True, kw_only=True):
    """The ONNX model."""

    greatest_difference: str
    """Between its answers and the frozen graph's; a decimal number."""


class FrozenGraphStatus(StoredFileStatus, frozen=True, kw_only=True):
    """The verified frozen graph in UFile, and its other forms."""

    tensorflow: str = ""
    readable_by: str = ""
    """The oldest TensorFlow that reads the graph, such as `1.7`."""
    memory_bytes: int = 0
    """Peak memory of a process that loaded the graph with `tensorflow` and ran it on one picture."""
    saved_model: StoredFileStatus | None = None
    onnx: OnnxStatus | None = None


class ImageStatus(Part, frozen=True, kw_only=True):
    """The published image."""

    reference: str
    """`repository@digest`."""
    digest: str
    tags: tuple[str, ...] = ()
    size: int = 0
    memory_bytes: int = 0
    """What serving takes, as far as it is known: what the image told in its test, or what running the graph took."""
    generation: int = 0
    """Generation of the object whose spec this image answers."""


class MemoryStatus(Part, frozen=True, kw_only=True):
    """Memory limits of the containers that hold the model, as the run began them."""

    export: str = ""
    test: str = ""


class MemoryRaise(Part, frozen=True, kw_only=True):
    """A higher memory limit for one container of one attempt."""

    container: str
    limit: str


class Verdict(Part, frozen=True, kw_only=True):
    """Why a Job is being stopped; what follows once it has ended. `lastFailure` has the words."""

    kind: str
    """As `outcomes.FailureClass`."""
    container: str = ""
    """The one that needs more memory."""


class StageStatus(Part, frozen=True, kw_only=True):
    """The stage at work: the claim that is written before its Job is created."""

    name: str
    job: str = ""
    job_uid: str = msgspec.field(default="", name="jobUID")
    """Empty until the Job was seen to exist."""
    attempt: int = 0
    start_time: str = ""
    message: str = ""
    content: str = ""
    """Hash of what this stage works on; part of the Job's name."""
    memory: MemoryRaise | None = None
    """Set on the attempt that follows a kill for want of memory."""
    failures: int = 0
    """Failed attempts that count against `spec.retry.limit`."""
    waits: int = 0
    """Attempts that only found archived inputs whose restore is under way; they count as no attempt."""
    verdict: Verdict | None = None
    """Set while the Job is stopped."""
    retry_at: str = ""
    """The next attempt starts no earlier."""


class LastFailure(Part, frozen=True, kw_only=True):
    """The newest failure; it outlives the pod."""

    stage: str
    job: str = ""
    reason: str
    message: str
    hint: str = ""
    log_tail: str = ""
    """At most 2 KiB, redacted."""
    time: str


class Timings(Part, frozen=True, kw_only=True):
    """How long each stage took, as a duration (`1m5s`), or `Reused`; empty if it did not run yet."""

    resolve: str = ""
    export: str = ""
    build: str = ""
    test: str = ""


class HistoryEntry(Part, frozen=True, kw_only=True):
    """An image that was published before."""

    digest: str
    content_hash: str
    step: int | None = None
    time: str


class Status(Part, frozen=True, kw_only=True):
    """What is."""

    observed_generation: int = -1
    last_handled_request: str = ""
    conditions: tuple[Condition, ...] = ()
    run: RunStatus | None = None
    checkpoint: CheckpointStatus | None = None
    content_hash: str = ""
    source: SourceStatus | None = None
    input_lock: InputLockStatus | None = None
    frozen_graph: FrozenGraphStatus | None = None
    memory: MemoryStatus | None = None
    built: BuiltStatus | None = None
    image: ImageStatus | None = None
    stage: StageStatus | None = None
    last_failure: LastFailure | None = None
    timings: Timings | None = None
    last_poll_time: str = ""
    """When policy Latest last looked for something newer; written at most once an hour."""
    history: tuple[HistoryEntry, ...] = ()
    """Newest first, at most 10."""
