"""What two watches tell of the Jobs that this operator waits for: Warning Events, and pods that are done.

A Warning Event asks for an early check of the pods. A pod that is done is the result of its stage: the kubelet takes
one to five seconds more until the pod has succeeded, and the Job controller one to three until the Job says so.
Without a watch, for example without the right to it, the check after `POD_CHECK_DELAY` and the end of the Job tell the
same.
"""

import asyncio
import logging
from collections.abc import Callable

from inference_image_operator.diagnosis.pending import WARNINGS
from inference_image_operator.jobs import POLL
from inference_image_operator.jobs.job import LABEL_STAGE
from inference_image_operator.kube.client import KubernetesCluster, Watch
from inference_image_operator.kube.connection import ApiError, Object
from inference_image_operator.kube.observe import controllers, is_done
from inference_image_operator.runtime.pipeline_limiter import Key

log = logging.getLogger(__name__)

DELAY = 1.0
"""Seconds between the first Warning Event of a kind and the check: the next ones often come with it."""
PAUSE = 1.0
LONGEST_PAUSE = 60.0
MAX_EVENTS = 16
MAX_PODS = 4
_GENERATED = 5
"""Length of the suffix of a generated pod name."""
_MAX_BASE = 63 - _GENERATED
"""The API server cuts the name that it puts before the suffix."""


class JobSignals:
    """Of each object the newest few Warning Events about its current Job, and the pods of its Jobs that are done."""

    def __init__(self, wake: Callable[[Key, float], None]) -> None:
        self._wake = wake
        self._jobs: dict[Key, str] = {}
        self._keys: dict[tuple[str, str], Key] = {}
        self._warnings: dict[Key, dict[tuple[str, str, str, str], Object]] = {}
        self._pods: dict[Key, dict[str, Object]] = {}

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
        """Keeps a pod of one of the Jobs if it is done, and makes the object due.

        The name finds the object. Whether the pod is the Job's, its owner reference says.
        """
        meta = pod["metadata"]
        if meta.get("labels", {}).get(LABEL_STAGE) == POLL:
            return  # a poll is over with its Job
        key = self._keys.get((meta.get("namespace", ""), _base_of_pod(meta.get("name", ""))))
        if key is None or meta["uid"] in (known := self._pods.setdefault(key, {})) or not is_done(pod):
            return
        known[meta["uid"]] = pod
        if len(known) > MAX_PODS:
            del known[next(iter(known))]
        self._wake(key, 0)

    def has_taken(self, key: Key, job: str) -> bool:
        """Whether the object has become due by a pod of the Job with this UID. The end of the Job says nothing new."""
        return any(job in controllers(pod) for pod in self.done(key))

    def _unfollow(self, key: Key) -> None:
        job = self._jobs.pop(key, None)
        if job is not None:
            self._keys.pop((key[0], _base(job)), None)
        self._warnings.pop(key, None)


async def watch(cluster: KubernetesCluster, what: Watch, namespace: str, arrived: Callable[[Object], None]) -> None:
    """Calls `arrived` for every object of a watch that is written in a namespace (empty for all) from now on."""
    version, pause = "", PAUSE
    while True:
        try:
            version = version or await cluster.newest(what, namespace)
            async for found in cluster.watch(what, namespace, version):
                version, pause = found["metadata"]["resourceVersion"], PAUSE
                arrived(found)
            pause = PAUSE
        except ApiError as error:
            version = ""
            if error.reason != "Expired":  # the version, which nothing has renewed in a quiet cluster
                pause = min(LONGEST_PAUSE, 2 * pause)
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
