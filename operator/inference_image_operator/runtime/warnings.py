"""Warning Events about the Jobs that this operator waits for: they ask for an early check of the pods.

A Job that does well has no Warning Events, so this costs it nothing. Without the watch, for example without the right
to it, the check after `POD_CHECK_DELAY` finds the same causes.
"""

import asyncio
import logging
from collections.abc import Callable

from inference_image_operator.diagnosis.pending import WARNINGS
from inference_image_operator.kube.client import KubernetesCluster
from inference_image_operator.kube.connection import ApiError, Object
from inference_image_operator.runtime.pipeline_limiter import Key

log = logging.getLogger(__name__)

DELAY = 1.0
"""Seconds between the first Warning Event of a kind and the check: the next ones often come with it."""
PAUSE = 1.0
LONGEST_PAUSE = 60.0
MAX_EVENTS = 16
_GENERATED = 5
"""Length of the suffix of a generated pod name."""
_MAX_BASE = 63 - _GENERATED
"""The API server cuts the name that it puts before the suffix."""


class Warnings:
    """The Warning Events of each object's current Job: the newest few."""

    def __init__(self, wake: Callable[[Key, float], None]) -> None:
        self._wake = wake
        self._jobs: dict[Key, str] = {}
        self._keys: dict[tuple[str, str], Key] = {}
        self._events: dict[Key, dict[tuple[str, str, str, str], Object]] = {}

    def follow(self, key: Key, job: str) -> None:
        """From now on, this is the object's Job. Forgets the Events of an earlier one."""
        if self._jobs.get(key) == job:
            return
        self.forget(key)
        self._jobs[key] = job
        self._keys[key[0], _base(job)] = key

    def forget(self, key: Key) -> None:
        """The object waits for no Job."""
        job = self._jobs.pop(key, None)
        if job is not None:
            self._keys.pop((key[0], _base(job)), None)
        self._events.pop(key, None)

    def of(self, key: Key) -> list[Object]:
        """The Events about the object's Job and its pods."""
        return list(self._events.get(key, {}).values())

    def arrived(self, event: Object) -> None:
        """Keeps an Event about one of the Jobs. The first one of a kind makes the object due."""
        about = event.get("involvedObject", {})
        key = self._keys.get((about.get("namespace", ""), _named(about)))
        if key is None or event.get("reason") not in WARNINGS:
            return
        kind = (about.get("uid", ""), about.get("fieldPath", ""), event["reason"])
        known = self._events.setdefault(key, {})
        if not any(found[:-1] == kind for found in known):
            self._wake(key, DELAY)
        known[*kind, event.get("message", "")] = event  # the kubelet says "Error: ErrImagePull" right after the cause
        if len(known) > MAX_EVENTS:
            del known[next(iter(known))]


async def watch(cluster: KubernetesCluster, namespace: str, arrived: Callable[[Object], None]) -> None:
    """Calls `arrived` for every Warning Event of a namespace (empty for all) that is written from now on."""
    version, pause = "", PAUSE
    while True:
        try:
            version = version or await cluster.newest_warning(namespace)
            async for event in cluster.watch_warnings(namespace, version):
                version, pause = event["metadata"]["resourceVersion"], PAUSE
                arrived(event)
        except ApiError as error:
            version, pause = "", min(LONGEST_PAUSE, 2 * pause)
            log.warning("cannot watch Warning Events, retrying in %.0f s: %s", pause, error)
        except Exception:  # the operator works without this watch
            version, pause = "", LONGEST_PAUSE
            log.exception("the watch of Warning Events failed")
        await asyncio.sleep(pause)


def _base(job: str) -> str:
    """How the names of the Job's pods begin."""
    return f"{job}-"[:_MAX_BASE]


def _named(about: Object) -> str:
    name: str = about.get("name", "")
    return _base(name) if about.get("kind") == "Job" else name[:-_GENERATED]
