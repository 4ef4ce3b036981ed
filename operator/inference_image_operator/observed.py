"""What one pass knows: the object, its Jobs, and where needed their pods and events, as immutable values."""

from datetime import datetime

import msgspec

from inference_image_operator.api import Spec, Status


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every observation."""


class Container(Frozen, frozen=True, kw_only=True):
    """One container of a pod, init containers included."""

    name: str
    waiting: str = ""
    """Reason of the waiting state, empty when it does not wait."""
    message: str = ""
    """The kubelet's message of the waiting state."""
    exit_code: int | None = None
    """Set once it has ended for good or, for a sidecar, most recently."""
    ended: str = ""
    """Reason of the ended state, for example `OOMKilled`."""
    report: str = ""
    """Its termination message: our result, or the log's last lines."""
    log: str = ""
    """The last lines of its log, where a failure is to be explained by them."""
    restarts: int = 0
    killed: bool = False
    """Ended for want of memory, as the kubelet says, or by SIGKILL while its pod went on."""


class Pod(Frozen, frozen=True, kw_only=True):
    """One pod of a Job."""

    name: str
    uid: str
    phase: str
    created: datetime
    unschedulable: str = ""
    """The scheduler's words when it found no node."""
    disrupted: bool = False
    """Evicted, preempted, drained or deleted: its containers may have been told to end."""
    message: str = ""
    """The kubelet's words on the whole pod, for example of an eviction."""
    containers: tuple[Container, ...] = ()
    """In the order they run."""

    def container(self, name: str) -> Container | None:
        """The container of that name."""
        return next((container for container in self.containers if container.name == name), None)


class Event(Frozen, frozen=True, kw_only=True):
    """A Kubernetes Event of a Job or a pod."""

    reason: str
    message: str
    time: datetime


class Job(Frozen, frozen=True, kw_only=True):
    """One Job that carries this object's labels and its owner reference."""

    name: str
    uid: str
    stage: str
    content: str
    attempt: int
    complete: bool = False
    failed: str = ""
    """Reason of the Failed condition, for example `DeadlineExceeded`."""
    failed_message: str = ""
    suspended: bool = False
    ready: int = 0
    """Pods that are Ready; a pod is not while its init containers run."""
    terminating: bool = False
    started: datetime | None = None
    ended: datetime | None = None

    @property
    def finished(self) -> bool:
        """No pod of this Job runs any more."""
        return self.complete or bool(self.failed)


class CreateRefusal(Frozen, frozen=True, kw_only=True):
    """The API server would not create the Job of the claimed stage."""

    reason: str
    message: str
    foreign: bool = False
    """A Job of that name exists and belongs to somebody else."""
    final: bool = False
    """Trying again cannot help."""


class ReferencedDigests(Frozen, frozen=True, kw_only=True):
    """What the statuses refer to in one repository: digests of images, and hashes of contents, `sha256:<hex>`."""

    current: tuple[str, ...] = ()
    """What an InferenceImage is, or is being made from."""
    history: tuple[str, ...] = ()
    """What was published before."""


class Observed(Frozen, frozen=True, kw_only=True):
    """Everything that one decision is made from."""

    name: str
    namespace: str
    uid: str
    generation: int
    spec: Spec
    status: Status
    request: str = ""
    """Value of the request annotation."""
    deleting: bool = False
    jobs: tuple[Job, ...] = ()
    pods: tuple[Pod, ...] | None = None
    """Pods of the claimed Job or the look's; None when this pass had no need to look."""
    events: tuple[Event, ...] = ()
    """Events of that Job and its pods, newest last; only with `pods`."""
    refusal: CreateRefusal | None = None
    referenced_digests: ReferencedDigests | None = None
    """What the statuses refer to in this object's repository; None when this pass had no need to look."""
    queue_position: int = 0
    """Place among those that wait for a pipeline to end; 0 may run."""

    @property
    def claimed(self) -> Job | None:
        """The Job that the status names, if it exists."""
        stage = self.status.stage
        return next((job for job in self.jobs if stage and job.name == stage.job), None)
