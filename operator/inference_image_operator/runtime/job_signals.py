"""What three watches tell of the operator's Jobs: the Jobs themselves, Warning Events, and pods that are done.

A Warning Event asks for an early check of the pods, and so does a pod that lingers: only a container that something
else added keeps it from its end. A pod that is done is the result of its stage: the kubelet takes one to five seconds
more until the pod has succeeded, and the Job controller one to three until the Job says so. Without one of these two
watches, for example without the right to it, the check after `POD_CHECK_DELAY` and the end of the Job tell the same.
"""

import asyncio
import logging
import re
from collections.abc import Callable

from inference_image_operator.api import API_VERSION, KIND
from inference_image_operator.diagnosis.pending import POD_CHECK_DELAY, WARNINGS
from inference_image_operator.jobs import POLL
from inference_image_operator.jobs.job import LABEL_STAGE
from inference_image_operator.kube.client import KubernetesCluster, Watch
from inference_image_operator.kube.connection import ApiError, Object
from inference_image_operator.kube.observe import controllers, finished, is_done, lingers
from inference_image_operator.runtime.pipeline_limiter import Key

log = logging.getLogger(__name__)

EVENT_DEBOUNCE = 1.0
"""Debounce window in seconds: one reconcile handles all events that arrive in it."""
DELAY = 1.0
"""Seconds between the first Warning Event of a kind and the check: the next ones often come with it."""
PAUSE = 1.0
LONGEST_PAUSE = 15.0
LINGER = 3.0
"""Seconds in which a container that something else added may end by itself, after the stage's own."""
MAX_EVENTS = 16
MAX_PODS = 4
_GENERATED = 5
"""Length of the suffix of a generated pod name."""
_MAX_BASE = 63 - _GENERATED
"""The API server cuts the name that it puts before the suffix."""
_LONGEST_NAME = 253
_OBJECT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
"""A DNS subdomain, as names of objects are."""


class JobSignals:
    """Of each object the newest few Warning Events about its current Job, and the pods of its Jobs that are done.

    And whether something that was added to the pod of its current Job keeps it running.
    """

    def __init__(
        self,
        wake: Callable[[Key, float], None],
        serves: Callable[[str], bool] = lambda _: True,
        saw_job: Callable[[Key, str, bool], None] = lambda *_: None,
    ) -> None:
        """`wake` makes an object due after some seconds. `serves` tells whether a namespace's objects are served.

        `saw_job` gets each Job that the watch brings: its object, its name, and whether it has ended or is gone.
        """
        self._wake = wake
        self._serves = serves
        self._saw_job = saw_job
        self._jobs: dict[Key, str] = {}
        self._keys: dict[tuple[str, str], Key] = {}
        self._warnings: dict[Key, dict[tuple[str, str, str, str], Object]] = {}
        self._pods: dict[Key, dict[str, Object]] = {}
        self._lingering: set[Key] = set()

    def follow(self, key: Key, job: str) -> None:
        """From now on, this is the object's Job. Forgets the Events of an earlier one.

        Remembers the pods of earlier ones: until a Job says that it is complete, nothing else tells that it has ended.
        """
        if self._jobs.get(key) == job:
            return
        self._unfollow(key)
        self._jobs[key] = job
        self._keys[key[0], _base(job)] = key

    def forget(self, key: Key) -> None:
        """The object waits for no Job."""
        self._unfollow(key)
        self._pods.pop(key, None)

    def warnings(self, key: Key) -> list[Object]:
        """The Events about the object's Job and its pods."""
        return list(self._warnings.get(key, {}).values())

    def done(self, key: Key) -> list[Object]:
        """The pods of the object's Jobs that are done, newest last: those of the last few stages."""
        return list(self._pods.get(key, {}).values())

    def changed(self, kind: str, job: Object) -> None:
        """Makes the object of a Job due: at once by its end, unless its pod has told that before."""
        name, namespace = owner_of(job), job["metadata"].get("namespace", "")
        if name is None or not self._serves(namespace):
            return
        key, gone, ended = (namespace, name), kind == "DELETED", finished(job)
        self._saw_job(key, job["metadata"]["name"], gone or ended)
        if gone or not ended:
            self._wake(key, job_event_delay(kind, job))
        elif not self.has_taken(key, job["metadata"]["uid"]):
            self._wake(key, 0)

    def lingers(self, key: Key) -> bool:
        """Whether a pod of the object's Job only runs because of what something else added to it."""
        return key in self._lingering

    def warned(self, event: Object) -> None:
        """Keeps an Event about one of the Jobs. The first one of a kind makes the object due."""
        about = event.get("involvedObject", {})
        key = self._keys.get((about.get("namespace", ""), _named(about)))
        if key is None or event.get("reason") not in WARNINGS:
            return
        kind = (about.get("uid", ""), about.get("fieldPath", ""), event["reason"])
        known = self._warnings.setdefault(key, {})
        if not any(found[:-1] == kind for found in known):
            self._wake(key, DELAY)
        known[*kind, event.get("message", "")] = event  # the kubelet says "Error: ErrImagePull" right after the cause
        if len(known) > MAX_EVENTS:
            del known[next(iter(known))]

    def ended(self, pod: Object) -> None:
        """Makes the object due if a pod of one of its Jobs is done, which is kept, or lingers.

        The name finds the object. Whether the pod is the Job's, its owner reference says.
        """
        meta = pod["metadata"]
        key = self._keys.get((meta.get("namespace", ""), _base_of_pod(meta.get("name", ""))))
        if key is None or meta["uid"] in (known := self._pods.setdefault(key, {})):
            return
        if not is_done(pod):
            self._look_for_lingering(key, pod)
            return
        if meta.get("labels", {}).get(LABEL_STAGE) == POLL:
            return  # a poll is over with its Job
        known[meta["uid"]] = pod
        if len(known) > MAX_PODS:
            del known[next(iter(known))]
        self._wake(key, 0)

    def _look_for_lingering(self, key: Key, pod: Object) -> None:
        if lingers(pod) and key not in self._lingering:
            self._lingering.add(key)
            self._wake(key, LINGER)

    def has_taken(self, key: Key, job: str) -> bool:
        """Whether the object has become due by a pod of the Job with this UID. The end of the Job says nothing new."""
        return any(job in controllers(pod) for pod in self.done(key))

    def _unfollow(self, key: Key) -> None:
        job = self._jobs.pop(key, None)
        if job is not None:
            self._keys.pop((key[0], _base(job)), None)
        self._warnings.pop(key, None)
        self._lingering.discard(key)


def owner_of(job: Object) -> str | None:
    """The name of the InferenceImage that controls the Job; None if none does. Labels and annotations can be forged.

    The API server checks no name in an owner reference. One that no object can have is ignored; one of an object that
    does not exist costs a read.
    """
    for owner in job["metadata"].get("ownerReferences", []):
        if owner.get("controller") and (owner.get("apiVersion"), owner.get("kind")) == (API_VERSION, KIND):
            name = str(owner.get("name", ""))
            return name if _OBJECT_NAME.fullmatch(name) and len(name) <= _LONGEST_NAME else None
    return None


def job_event_delay(kind: str, job: Object) -> float:
    """Seconds until the event of a Job that has not ended is due: at once for its deletion, debounced when it is
    suspended or resumed.

    Other progress waits for the next check of the pods. A reconcile for each event costs more than the rest of a
    stage, and costs the API server even more than the operator.
    """
    if kind == "DELETED":
        return 0
    conditions = job.get("status", {}).get("conditions", [])
    return EVENT_DEBOUNCE if any(c.get("type") == "Suspended" for c in conditions) else POD_CHECK_DELAY


Arrived = Callable[[str, Object], None]
"""Gets an object and what happened to it: `ADDED`, also if it existed before, `MODIFIED`, or `DELETED`."""


def kept(arrived: Callable[[Object], None]) -> Arrived:
    """Ignores that an object is deleted."""

    def found(kind: str, object: Object) -> None:  # noqa: A002
        if kind != "DELETED":
            arrived(object)

    return found


async def watch(cluster: KubernetesCluster, what: Watch, namespace: str, arrived: Arrived) -> None:
    """Calls `arrived` for every object of a watch that is written in a namespace (empty for all) from now on.

    If the existing ones count, also for each of these, at the start and after changes may have been missed.
    """
    version, pause = "", PAUSE
    while True:
        try:
            if not version:
                newest = await cluster.newest(what, namespace)  # before the list: the watch tells what the list misses
                async for found in cluster.existing(what, namespace):
                    arrived("ADDED", found)
                version = newest
            async for kind, found in cluster.watch(what, namespace, version):
                version, pause = found["metadata"]["resourceVersion"], PAUSE
                arrived(kind, found)
            pause = PAUSE
        except ApiError as error:
            version = ""
            if error.reason != "Expired":  # the version, which nothing has renewed in a quiet cluster
                pause = max(min(LONGEST_PAUSE, 2 * pause), error.retry_after or 0)
                log.warning("cannot watch %s, retrying in %.0f s: %s", what.name, pause, error)
        except Exception:  # the operator works without this watch
            version, pause = "", LONGEST_PAUSE
            log.exception("the watch of %s failed", what.name)
        await asyncio.sleep(pause)


def _base(job: str) -> str:
    """How the names of the Job's pods begin."""
    return f"{job}-"[:_MAX_BASE]


def _base_of_pod(name: str) -> str:
    return name[:-_GENERATED]


def _named(about: Object) -> str:
    name: str = about.get("name", "")
    return _base(name) if about.get("kind") == "Job" else _base_of_pod(name)
