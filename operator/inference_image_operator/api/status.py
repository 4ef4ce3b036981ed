"""The status: the observed state.

Digests and hashes are `sha256:<hex>` unless stated otherwise. Sizes are in bytes.
"""

from typing import Literal

import msgspec
from msgspec.structs import replace

from inference_image_contract.reasons import ReasonClass
from inference_image_operator.api.part import Part, read_leniently
from inference_image_operator.api.rollout import RolloutStatus
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.times import Time

ConditionStatus = Literal["True", "False", "Unknown"]


class Condition(Part, frozen=True, kw_only=True):
    """A condition, as the API conventions define it."""

    type: str
    status: ConditionStatus
    reason: str
    message: str
    last_transition_time: Time | None = None
    """None if it is unreadable. The next write dates it."""
    observed_generation: int = 0


class RunStatus(Part, frozen=True, kw_only=True):
    """The run that this status reports: one way through the stages, for one spec and one request."""

    input_hash: str
    """Hash of the spec and of the request annotation."""
    generation: int
    """The object's generation when the run began."""
    start_time: Time | None = None
    """None for a run that an earlier version of the operator began."""
    resolve_count: int = 1
    """How often this run pinned its inputs. More than once if they changed during the run."""
    restart_count: int = 0
    """How often polling found new content and restarted the run."""
    registry_host: str = ""
    """An alias of the registry of `spec.image.repository` that the builder and the kubelets use."""
    inputs_hash: str = ""
    """Inputs hash of what this run has pinned; empty until then. Polls compare with it."""
    sample_etag: str = ""
    """ETag of `spec.test.sample` as this run has pinned it; empty without one."""
    failure_time: Time | None = None
    """Time of the newest failure in this run. The next poll counts from it."""
    waiting_since: Time | None = None
    """Since when the object waits for its first checkpoint; None if it does not."""
    requested: bool = False
    """Whether the request annotation asked for this run. Only then does policy Latest go back to an older step."""
    ended_jobs: tuple[str, ...] = ()
    """UIDs of the Jobs whose pod had succeeded at the newest claim, and that did not say so yet."""


class SourceStatus(Part, frozen=True, kw_only=True):
    """The pinned source, if it is a Git repository."""

    commit: str
    """40 hex digits."""


class BuiltStatus(Part, frozen=True, kw_only=True):
    """The image of this run in the registry, before its test and its tags."""

    digest: str
    size: int = 0


class CheckpointFile(Part, frozen=True, kw_only=True):
    """One file of the pinned checkpoint."""

    key: str
    size: int
    etag: str


class CheckpointStatus(Part, frozen=True, kw_only=True):
    """The pinned checkpoint, or the imported graph in its place."""

    step: int | None = None
    """None for an imported graph, and for a checkpoint without a step."""
    name: str = ""
    """The name of a checkpoint without a step."""
    fingerprint: str
    """Hash of everything that enters the export."""
    files: tuple[CheckpointFile, ...] = ()
    """At most 64."""
    model_bytes: int = 0
    """Size of the model's variables without those of its optimizer; for an imported graph, its size."""


def described(step: int | None, name: str) -> str:
    """A checkpoint in the words of a message: its step, its name when that contains none, or an imported graph."""
    return f"step {step}" if step is not None else name or "an imported graph"


class InputLockStatus(Part, frozen=True, kw_only=True):
    """The input lock in US3, which lists every pinned input, and the disk space that the build needs."""

    key: str
    sha256: str
    """Hex."""
    context_bytes: int = 0
    base_bytes: int = 0


class StoredFileStatus(Part, frozen=True, kw_only=True):
    """A result in US3 (formerly UFile)."""

    key: str
    sha256: str
    """Hex."""
    size: int


class OnnxStatus(StoredFileStatus, frozen=True, kw_only=True):
    """The ONNX model."""

    greatest_difference: str
    """Greatest difference between its answers and those of the frozen graph; a decimal number."""


class FrozenGraphStatus(StoredFileStatus, frozen=True, kw_only=True):
    """The verified frozen graph in US3, and its other export formats."""

    tensorflow: str = ""
    readable_by: str = ""
    """The oldest TensorFlow version that reads the graph, such as `1.7`."""
    memory_bytes: int = 0
    """Peak memory of a process that loads the graph with `tensorflow` and runs it on one picture."""
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
    """Memory for serving, if known: as the image reported it in its test, or as measured while running the graph."""
    generation: int = 0
    """The generation of the object that this image was built for."""
    step: int | None = None
    """The step of its checkpoint; None without one."""
    model_prefix: str = ""
    """`spec.model.prefix` of its checkpoint."""


class MemoryStatus(Part, frozen=True, kw_only=True):
    """Memory limits of the containers that hold the model, for the first attempt."""

    export: str = ""
    test: str = ""


class MemoryRaise(Part, frozen=True, kw_only=True):
    """A higher memory limit for one container of one attempt."""

    container: str
    limit: str


class Verdict(Part, frozen=True, kw_only=True):
    """The failure for which the operator stops a Job. It is recorded again, and followed, once the Job is gone."""

    kind: ReasonClass
    """What follows."""
    reason: str
    message: str
    hint: str = ""
    log_tail: str = ""
    """At most 2 KiB, redacted."""
    container: str = ""
    """The container that needs more memory."""


class StageStatus(Part, frozen=True, kw_only=True):
    """The current stage. This is the claim, written before the Job is created."""

    name: Stage
    job: str
    job_uid: str | None = msgspec.field(default=None, name="jobUID")
    """None until the operator has seen the Job."""
    attempt: int
    """From 1."""
    start_time: Time
    message: str = ""
    content: str
    """Hash of the stage's inputs; part of the Job's name."""
    memory: MemoryRaise | None = None
    """Set on the attempt after a container ran out of memory."""
    failures: int = 0
    """Failed attempts that count against `spec.retry.limit`."""
    waits: int = 0
    """Attempts that only found archived inputs whose restore is under way. They do not count as attempts."""
    verdict: Verdict | None = None
    """Set while the operator stops the Job."""
    queue_position: int | None = None
    """Place in the queue while the installation's limit of pipelines is reached, from 1."""
    suspended: bool = False
    """Whether `spec.suspend` holds the Job back."""
    retry_at: Time | None = None
    """The next attempt starts no earlier."""


class LastFailure(Part, frozen=True, kw_only=True):
    """The newest failure. It outlives the pod."""

    stage: Stage
    job: str = ""
    reason: str
    message: str
    hint: str = ""
    log_tail: str = ""
    """At most 2 KiB, redacted."""
    time: Time


class Timings(Part, frozen=True, kw_only=True):
    """How long each stage took, as a duration (`1m5s`), or `Reused`; empty before it has run."""

    resolve: str = ""
    export: str = ""
    build: str = ""
    test: str = ""
    publish: str = ""


class HistoryEntry(Part, frozen=True, kw_only=True):
    """A published image."""

    digest: str
    content_hash: str
    step: int | None = None
    checkpoint: str = ""
    """The name of a checkpoint without a step."""
    time: Time


class ProducedExport(Part, frozen=True, kw_only=True):
    """An export that a Job of this object made."""

    fingerprint: str
    sha256: str
    """Of its result.json. Hex."""


class ProducedImage(Part, frozen=True, kw_only=True):
    """An image that a Job of this object built."""

    content_hash: str
    digest: str
    tested: str = ""
    """Hash of the newest test that it passed: of `spec.test` and its sample. Empty if it passed none."""
    memory_bytes: int = 0
    """Memory that it reported in that test; 0 if it reported none."""


class ProducedStatus(Part, frozen=True, kw_only=True):
    """What the Jobs of this object made, newest first. Nothing else in US3 or in the registry is reused."""

    exports: tuple[ProducedExport, ...] = ()
    images: tuple[ProducedImage, ...] = ()


class Status(Part, frozen=True, kw_only=True):
    """The observed state."""

    observed_generation: int = -1
    installation: str = ""
    """The installation of the operator that serves the object."""
    """-1 before the operator has seen the object. That is the CRD's default: kstatus takes an empty status for done."""
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
    last_poll_time: Time | None = None
    """Time of the last poll; written at most once an hour."""
    history: tuple[HistoryEntry, ...] = ()
    """Newest first, at most 10."""
    produced: ProducedStatus | None = None
    rollout: RolloutStatus | None = None


def pinned(digest: str, history: tuple[HistoryEntry, ...]) -> HistoryEntry | None:
    """The newest entry of the history with the digest of `spec.image.pin`; None without one."""
    return next((entry for entry in history if digest and entry.digest == digest), None)


def read_status(document: object) -> tuple[Status, tuple[str, ...]]:
    """The status as far as it fits the API, and what does not fit.

    A stage that this version does not know leaves the status without its claim. Then the run is left out too, so that
    it begins again: like a lost status, it is rebuilt from the Jobs and the results in US3 and the registry.

    Raises msgspec.ValidationError if the status is no object.
    """
    status, problems = read_leniently(Status, document)
    unclaimed = status.stage is None and any(problem.startswith(".stage") for problem in problems)
    return (replace(status, run=None) if unclaimed else status), problems
