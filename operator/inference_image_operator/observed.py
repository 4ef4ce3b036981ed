"""The observation of one reconcile: the object, its Jobs and, if needed, their pods and Events. Immutable."""

from datetime import datetime
from typing import Any

import msgspec

from inference_image_contract.reasons import Reason
from inference_image_operator.api import INSTALLATION, REQUESTED_AT, Spec, Status


class Frozen(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every observation."""


class Container(Frozen, frozen=True, kw_only=True):
    """One container of a pod, init containers included."""

    name: str
    waiting: str = ""
    """Reason of the waiting state; empty if it does not wait."""
    message: str = ""
    """The kubelet's message of the waiting state."""
    exit_code: int | None = None
    """Exit code after its end or, for a sidecar, after its most recent end."""
    ended: str = ""
    """Reason of the terminated state, for example `OOMKilled`."""
    report: str = ""
    """Its termination message: our result, or the last lines of its log."""
    log: str = ""
    """The last lines of its log, if a failure needs them."""
    restarts: int = 0
    init: bool = False
    """An init container, sidecars included."""
    sidecar: bool = False
    """An init container that keeps running beside the others (`restartPolicy: Always`)."""
    started_at: datetime | None = None
    """Start of the instance that runs or has ended; before a restart, that of the previous one."""
    ended_at: datetime | None = None
    killed: bool = False
    """Out of memory according to the kubelet, or ended by SIGKILL while its pod kept running."""

    @property
    def runs(self) -> bool:
        """Whether it has started and has not ended."""
        return self.exit_code is None and not self.waiting


class Pod(Frozen, frozen=True, kw_only=True):
    """One pod of a Job."""

    name: str
    uid: str
    phase: str
    created: datetime
    unschedulable: str = ""
    """The scheduler's message if it found no node."""
    disrupted: bool = False
    """Evicted, preempted, drained or deleted: its containers may have been stopped."""
    message: str = ""
    """The kubelet's message about the pod, for example about an eviction."""
    has_login: bool = False
    """Whether a RUN in it could read a registry login."""
    containers: tuple[Container, ...] = ()
    """In the order in which they run."""

    def container(self, name: str) -> Container | None:
        """The container with this name; None without one."""
        return next((container for container in self.containers if container.name == name), None)


class Event(Frozen, frozen=True, kw_only=True):
    """A Kubernetes Event of a Job or a pod."""

    reason: str
    message: str
    time: datetime
    container: str = ""
    """The container that an Event of a pod is about; empty for the whole pod or a Job."""


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
    failing: str = ""
    """Reason of the FailureTarget condition: the Job controller stops the pods, then the Job fails."""
    suspended: bool = False
    ready: int = 0
    """Number of Ready pods. A pod is not Ready while its init containers run."""
    terminating: bool = False
    started: datetime | None = None
    ended: datetime | None = None
    pod_done: bool = False
    """Its pod has succeeded or only stops its sidecars, as a watch told. The Job says so a few seconds later."""

    @property
    def finished(self) -> bool:
        """Whether the Job says that it has ended."""
        return self.complete or bool(self.failed)

    @property
    def over(self) -> bool:
        """Whether its work is done, so that nobody waits for it or stops it."""
        return self.finished or self.pod_done


def end_of(job: Job, pods: tuple[Pod, ...]) -> datetime | None:
    """The end of a Job or, if it does not say so yet, that of its last container; None if neither says one."""
    return job.ended or max((c.ended_at for pod in pods for c in pod.containers if c.ended_at), default=None)


class Refusal(Frozen, frozen=True, kw_only=True):
    """What the API server refused, and its words. The class of the reason says whether to retry."""

    reason: Reason
    message: str


class Target(Frozen, frozen=True, kw_only=True):
    """What the rollout hands the image to: a Deployment, an InferenceService or a ConfigMap."""

    uid: str
    resource_version: str
    agrees_with: str = ""
    """Value of the annotation `uai.ucloud.cn/rollout-from`."""
    image: str | None = None
    """The image, or the value of the key; None if the target has no such field."""
    lacks: str = ""
    """How a message says that it has no such field."""
    owned: bool = False
    """Whether the operator has applied an image."""
    is_available: bool = False
    """Whether it is available with the image that it has."""
    says_so: bool = False
    """Whether it says that it is, perhaps still about the image before: a Ready pod with the new one proves it."""
    progress: str = ""
    """How far it is, in one phrase."""
    is_stuck: bool = False
    """Whether its own deadline for this image is exceeded."""
    said: str = ""
    """Why it is not available, in the words of the newest pod with the new image, or in its own."""


class ReferencedDigests(Frozen, frozen=True, kw_only=True):
    """Image digests and content hashes in one repository that the statuses refer to, `sha256:<hex>`."""

    current: tuple[str, ...] = ()
    """Of published images and of runs under way."""
    history: tuple[str, ...] = ()
    """Of images in the history."""


class LostTag(Frozen, frozen=True, kw_only=True):
    """A tag of the published image that another object has moved since."""

    tag: str
    """`repository:tag`."""
    digest: str
    """The digest that the tag has now."""
    holder: str
    """The other object, as `namespace/name`."""


class Observed(Frozen, frozen=True, kw_only=True):
    """The input of one decision."""

    name: str
    namespace: str
    uid: str
    generation: int
    spec: Spec
    status: Status
    unreadable: tuple[str, ...] = ()
    """What of the status does not fit the API, and is left out of `status`."""
    request: str = ""
    """Value of the request annotation."""
    installation: str = ""
    """The installation that serves the object: as its annotation says, or else the one that claimed it."""
    deleting: bool = False
    jobs: tuple[Job, ...] = ()
    pods: tuple[Pod, ...] | None = None
    """Pods of the claimed Job or the poll's; None if this reconcile does not need them."""
    events: tuple[Event, ...] = ()
    """Events of that Job and its pods, newest last; only with `pods`."""
    early_check: bool = False
    """A watch asks for a check of that Job's pods: by a Warning Event, or a container that something else added."""
    refusal: Refusal | None = None
    """Why the Job of the claimed stage could not be created."""
    referenced_digests: ReferencedDigests | None = None
    """Digests that the statuses refer to in this object's repository; None if this reconcile does not need them."""
    queue_position: int | None = None
    """Place in the queue for a pipeline, from 1; None if the object may run."""
    lost_tags: tuple[LostTag, ...] = ()
    target_read: bool = False
    """Whether this reconcile has read the target of the rollout."""
    target: Target | None = None
    """The target; None if it does not exist."""
    target_refusal: Refusal | None = None
    """Why it could not be read."""
    apply_refusal: Refusal | None = None
    """Why the decision before could not change it."""

    @property
    def claimed(self) -> Job | None:
        """The Job that the status claims; None if it does not exist."""
        stage = self.status.stage
        return next((job for job in self.jobs if stage and job.name == stage.job), None)


def observation(meta: dict[str, Any], spec: Spec, status: Status, unreadable: tuple[str, ...] = ()) -> Observed:
    """The observation of an object alone, from its metadata."""
    annotations = meta.get("annotations", {})
    return Observed(
        name=meta["name"],
        namespace=meta["namespace"],
        uid=meta["uid"],
        generation=meta.get("generation", 0),
        spec=spec,
        status=status,
        unreadable=unreadable,
        request=annotations.get(REQUESTED_AT, ""),
        installation=annotations.get(INSTALLATION, status.installation),
        deleting="deletionTimestamp" in meta,
    )
