"""Reads what one decision needs, and converts the API's JSON into an `Observed`."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from msgspec import ValidationError, json
from msgspec.structs import replace

from inference_image_contract import progress
from inference_image_operator.api import Spec, Status, read, read_status
from inference_image_operator.api.conditions import MAX_MESSAGE
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import CONTAINERS, LOGIN, MAIN
from inference_image_operator.api.times import parse
from inference_image_operator.core.decide import failed_test_pod, needs_pods, watched
from inference_image_operator.diagnosis.tested_image import IMAGE
from inference_image_operator.jobs import POLL
from inference_image_operator.jobs.job import (
    ANNOTATION_ATTEMPT,
    ANNOTATION_CONTENT,
    LABEL_MANAGED_BY,
    LABEL_STAGE,
    LABEL_UID,
    MANAGED_BY,
)
from inference_image_operator.kube.cluster import Cluster
from inference_image_operator.kube.connection import Object
from inference_image_operator.observed import Container, Event, Job, Observed, Pod, observation

_DIGITS = 9
MAX_REPORT = 4096
"""Characters of a termination message, as the kubelet limits it. Another writer of the status is not limited."""
MAX_SAID = 2048
"""Characters of every other message. Patterns read them, and they reach the status."""
_KILLED = 128 + 9
"""Exit code of a process after SIGKILL."""

for _kind in (Spec, Status):
    # msgspec builds a type's decoder at its first use. If two threads (kopf's and ours)
    # do so at once, the process crashes.
    json.Decoder(_kind)


class InvalidObjectError(Exception):
    """An object that cannot be read. It never ends a loop that also serves others."""


def from_object(image: Object) -> Observed:
    """The observation from the object alone.

    Raises InvalidObjectError if the spec does not fit the API, for example with a CRD of another version.
    """
    try:
        spec = read(Spec, image.get("spec", {}))
    except (ValidationError, RecursionError) as error:
        raise InvalidObjectError(
            f"The spec does not fit this version of the operator: {error}"[:MAX_MESSAGE]
        ) from error
    status, unreadable = read_status(image.get("status", {}))
    return observation(image["metadata"], spec, status, unreadable)


async def observe(
    cluster: Cluster,
    observed: Observed,
    now: datetime,
    warnings: Sequence[Object] = (),
    done: Sequence[Object] = (),
    *,
    lingers: bool = False,
    jobs: Collection[str] | None = None,
) -> Observed:
    """The object with its Jobs and, if the decision needs them, the pods and Events of the watched Job.

    As far as it has arrived through a watch: `warnings` are the Warning Events about that Job and its pods, `done` are
    those pods of the object's Jobs that are done, and `lingers` tells whether a pod of that Job does. `jobs` names the
    Jobs that may run beside the claimed one; None if that is not known.
    """
    found = await _jobs(cluster, observed, jobs)
    ended = {uid for pod in done for uid in controllers(pod)}
    if observed.status.run:
        ended.update(observed.status.run.ended_jobs)
    early_check = bool(warnings) or lingers
    observed = replace(observed, jobs=tuple(_job(job, ended) for job in found), early_check=early_check)
    claimed = observed.claimed
    if claimed and (brought := tuple(read_pod(pod) for pod in done if owned(pod, claimed.uid))):
        return replace(observed, pods=brought)
    job = watched(observed)
    if job is None or not needs_pods(observed, now):
        return observed
    labelled = await cluster.list_pods(observed.namespace, f"batch.kubernetes.io/controller-uid={job.uid}")
    pods = [pod for pod in labelled if owned(pod, job.uid)]
    about = {job.uid, *(pod["metadata"]["uid"] for pod in pods)}
    if not warnings and not job.finished:
        warnings = await cluster.list_warnings(observed.namespace)
    observed = replace(
        observed,
        pods=tuple(read_pod(pod) for pod in pods),
        events=tuple(
            sorted(
                (_event(event) for event in warnings if event["involvedObject"].get("uid") in about),
                key=lambda event: event.time,
            )
        ),
    )
    return await _with_image_log(cluster, observed)


async def _jobs(cluster: Cluster, observed: Observed, names: Collection[str] | None) -> list[Object]:
    """The object's Jobs, or the claimed one and those with these names."""
    namespace, selector = observed.namespace, f"{LABEL_MANAGED_BY}={MANAGED_BY},{LABEL_UID}={observed.uid}"
    if names is None:
        found = await cluster.list_jobs(namespace, selector)
    else:
        claimed = {observed.status.stage.job} if observed.status.stage else set()
        found = [
            job for name in sorted(claimed.union(names)) for job in await cluster.list_jobs(namespace, selector, name)
        ]
    return [job for job in found if owned(job, observed.uid)]


async def _with_image_log(cluster: Cluster, observed: Observed) -> Observed:
    """Adds the log of the image under test, if its test failed. Without it, only the probe's view is known."""
    pod = failed_test_pod(observed)
    image = pod.container(IMAGE) if pod else None
    if pod is None or image is None:
        return observed
    log = ""
    if image.restarts:  # the instance that ended says more, unless the kubelet has removed it
        log = await cluster.read_log(observed.namespace, pod.name, IMAGE, previous=True)
    log = log or await cluster.read_log(observed.namespace, pod.name, IMAGE, previous=False)
    containers = tuple(replace(c, log=log) if c is image else c for c in pod.containers)
    pods = tuple(replace(p, containers=containers) if p is pod else p for p in observed.pods or ())
    return replace(observed, pods=pods)


def owned(dependent: Object, uid: str) -> bool:
    """Whether the object with this UID controls a Job or pod.

    Labels can be forged; the garbage collector checks owners.
    """
    return uid in controllers(dependent)


def controllers(dependent: Object) -> list[str]:
    """The UID of the object that controls a Job or pod; empty without one."""
    owners = dependent["metadata"].get("ownerReferences", [])
    return [owner["uid"] for owner in owners if owner.get("controller") and owner.get("uid")]


def is_done(pod: Object) -> bool:
    """Whether a pod has succeeded, or only has to stop its sidecars: all its other containers have ended with code 0.

    A pod that is disrupted until then fails, and its Job makes another. Stages are repeatable, but a second publication
    could come after that of a later run, so the pod of Publish must have succeeded.
    """
    status, stage = pod.get("status", {}), pod["metadata"].get("labels", {}).get(LABEL_STAGE)
    if status.get("phase") != "Running" or stage == Stage.PUBLISH or _disrupted(pod):
        return bool(status.get("phase") == "Succeeded")
    ends = [found.get("state", {}).get("terminated") or {} for found in status.get("containerStatuses", [])]
    return len(ends) == len(pod["spec"].get("containers", [])) and all(end.get("exitCode") == 0 for end in ends)


def lingers(pod: Object) -> bool:
    """Whether the stage's last container has ended, while one that something else added runs on or has failed."""
    label, status = pod["metadata"].get("labels", {}).get(LABEL_STAGE), pod.get("status", {})
    stage = Stage.RESOLVE if label == POLL else label
    found = status.get("containerStatuses", [])
    ends = {container.get("name"): container.get("state", {}).get("terminated") for container in found}
    if stage not in CONTAINERS or not ends.get(MAIN[stage]):
        return False
    return any((end or {}).get("exitCode") != 0 for name, end in ends.items() if name not in CONTAINERS[stage])


def _disrupted(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"] or is_true(pod, "DisruptionTarget")


def finished(job: Object) -> bool:
    """Whether the Job has ended: no pod of it runs any more."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def is_true(found: Object, kind: str) -> bool:
    """Whether a condition of an object is True."""
    conditions = found.get("status", {}).get("conditions", [])
    return any((c.get("type"), c.get("status")) == (kind, "True") for c in conditions)


def _job(job: Object, done: set[str]) -> Job:
    meta, status = job["metadata"], job.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", []) if c["status"] == "True"}
    failed = conditions.get("Failed", {})
    ended = conditions.get("Complete", failed).get("lastTransitionTime")
    return Job(
        name=meta["name"],
        uid=meta["uid"],
        stage=meta.get("labels", {}).get(LABEL_STAGE, ""),
        content=meta.get("annotations", {}).get(ANNOTATION_CONTENT, ""),
        attempt=_number(meta.get("annotations", {}).get(ANNOTATION_ATTEMPT, "")),
        complete="Complete" in conditions,
        failed=failed.get("reason", ""),
        failed_message=_said(failed),
        failing=conditions.get("FailureTarget", {}).get("reason", ""),
        suspended="Suspended" in conditions,
        ready=status.get("ready", 0),
        terminating="deletionTimestamp" in meta,
        started=parse(status["startTime"]) if "startTime" in status else None,
        ended=parse(ended) if ended else None,
        pod_done=meta["uid"] in done,
    )


def _number(text: str) -> int:
    """The number of an annotation of ours; 0 if somebody changed it to something else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


def read_pod(pod: Object) -> Pod:
    """A pod as decisions see it."""
    meta, status = pod["metadata"], pod.get("status", {})
    conditions = {c["type"]: c for c in status.get("conditions", [])}
    scheduled = conditions.get("PodScheduled", {})
    sidecars = {c["name"] for c in pod["spec"].get("initContainers", []) if c.get("restartPolicy") == "Always"}
    init = [
        replace(_container(found), init=True, sidecar=found["name"] in sidecars)
        for found in status.get("initContainerStatuses", [])
    ]
    return Pod(
        name=meta["name"],
        uid=meta["uid"],
        phase=status.get("phase", "Pending"),
        created=parse(meta["creationTimestamp"]),
        unschedulable=_said(scheduled) if scheduled.get("status") == "False" else "",
        disrupted=_disrupted(pod),
        message=_said(status),
        has_login=any(volume["name"] == LOGIN for volume in pod["spec"].get("volumes", [])),
        containers=(*init, *map(_container, status.get("containerStatuses", []))),
    )


def _container(container: dict[str, Any]) -> Container:
    state = container.get("state", {})
    waiting = state.get("waiting", {})
    before = container.get("lastState", {}).get("terminated") or {}
    ended = state.get("terminated") or before
    started = (state.get("running") or ended).get("startedAt")
    return Container(
        name=container["name"],
        waiting=waiting.get("reason", ""),
        message=_said(waiting),
        exit_code=ended.get("exitCode"),
        ended=ended.get("reason", ""),
        report=progress.without(_said(ended, MAX_REPORT)),
        restarts=container.get("restartCount", 0),
        started_at=parse(started) if started else None,
        ended_at=parse(ended["finishedAt"]) if ended.get("finishedAt") else None,
        killed=any(end.get("reason") == "OOMKilled" for end in (ended, before)) or before.get("exitCode") == _KILLED,
    )


def _event(event: Object) -> Event:
    series = event.get("series") or {}
    time = series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime")
    return Event(
        reason=event.get("reason", ""),
        message=_said(event),
        time=parse(time or event["metadata"]["creationTimestamp"]),
        container=_named_container(event["involvedObject"].get("fieldPath", "")),
    )


def _said(part: Object, limit: int = MAX_SAID) -> str:
    """The message in a part of an object, up to the limit."""
    return str(part.get("message") or "")[:limit]


def _named_container(path: str) -> str:
    """The name in a field path such as `spec.initContainers{assemble}`; empty without one."""
    return path.partition("{")[2].rstrip("}")
