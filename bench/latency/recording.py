"""Records a namespace while runs go on: what the API server's watches bring, and when; then the logs of the pods."""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from bench.latency.rows import Container, Pod
from demo import kubectl
from demo.pipeline import REQUESTED_AT
from inference_image_contract import clock
from inference_image_operator.kube.observe import is_done

Object = dict[str, Any]
T = TypeVar("T")

WATCHED = {
    "jobs": "/apis/batch/v1/namespaces/{}/jobs",
    "pods": "/api/v1/namespaces/{}/pods",
    "events": "/api/v1/namespaces/{}/events",
    "images": "/apis/uai.ucloud.cn/v1alpha1/namespaces/{}/inferenceimages",
}
STAGE = "uai.ucloud.cn/stage"
FLOOR = "bench/stage"
"""Labels of Jobs: the operator's, and those of the floor."""
JOB = "batch.kubernetes.io/job-name"
DEADLINE = 600


class Recording:
    """What a namespace's watches brought. The keys are names; the times are seconds since the epoch."""

    def __init__(self) -> None:
        self.first: dict[str, dict[str, float]] = {"jobs": {}, "pods": {}}
        """When an object was first seen."""
        self.last: dict[str, dict[str, Object]] = {"jobs": {}, "pods": {}}
        """Its newest state."""
        self.images: list[tuple[float, Object]] = []
        """Every state of the InferenceImage."""
        self.scheduled: dict[str, float] = {}
        self.done: dict[str, float] = {}
        self.succeeded: dict[str, float] = {}
        self.ended: dict[tuple[str, str], float] = {}
        """Pod and container -> when the pod's status first had its end."""
        self.kubelet: dict[tuple[str, str], dict[str, float]] = {}
        """Pod and container -> the first Event of each reason."""
        self._changed = threading.Condition()

    def add(self, kind: str, found: Object, now: float) -> None:
        """Adds an object as a watch brought it at `now`."""
        with self._changed:
            if kind == "events":
                self._event(found, now)
            elif kind == "images":
                self.images.append((now, found))
            else:
                name = found["metadata"]["name"]
                self.first[kind].setdefault(name, now)
                self.last[kind][name] = found
                if kind == "pods":
                    self._pod(name, found, now)
            self._changed.notify_all()

    def _event(self, event: Object, now: float) -> None:
        about = event["involvedObject"]
        container = about.get("fieldPath", "").partition("{")[2].rstrip("}")
        if container:
            self.kubelet.setdefault((about["name"], container), {}).setdefault(event["reason"], now)

    def _pod(self, name: str, pod: Object, now: float) -> None:
        status = pod.get("status", {})
        if any(c["type"] == "PodScheduled" and c["status"] == "True" for c in status.get("conditions", [])):
            self.scheduled.setdefault(name, now)
        if is_done(pod):
            self.done.setdefault(name, now)
        if status.get("phase") == "Succeeded":
            self.succeeded.setdefault(name, now)
        for one in _statuses(status):
            if "terminated" in one.get("state", {}):
                self.ended.setdefault((name, one["name"]), now)

    def until(self, what: str, look: Callable[[], T | None]) -> T:
        """Waits for what the watches bring. Raises TimeoutError."""
        with self._changed:
            found = self._changed.wait_for(look, DEADLINE)
        if not found:
            raise TimeoutError(f"not within {DEADLINE} s: {what}")
        return found

    def done_pod(self, job: str) -> str:
        """The name of a Job's pod that is done, as the operator sees it; empty before."""
        return self._pod_of(job, self.done)

    def pod_of(self, job: str) -> str:
        """The name of a Job's pod that has succeeded; empty before."""
        return self._pod_of(job, self.succeeded)

    def _pod_of(self, job: str, names: Iterable[str]) -> str:
        pods = self.last["pods"]
        return next((name for name in names if pods[name]["metadata"]["labels"].get(JOB) == job), "")

    def jobs(self, label: str, since: float) -> list[str]:
        """The Jobs with this label that were made since a moment, in order."""
        found = self.last["jobs"]
        return [
            name
            for name, seen in sorted(self.first["jobs"].items(), key=lambda item: item[1])
            if seen >= since and label in found[name]["metadata"].get("labels", {})
        ]

    def pods(self, label: str, since: float, log: Callable[[str, str], str]) -> list[Pod]:
        """What is known of the pods of these Jobs. `log` reads a container's log, with times, by pod and container."""
        return [self._known(job, label, log) for job in self.jobs(label, since)]

    def _known(self, job: str, label: str, log: Callable[[str, str], str]) -> Pod:
        name = self.pod_of(job)
        pod = self.last["pods"][name]
        names = [item["name"] for kind in ("initContainers", "containers") for item in pod["spec"].get(kind, [])]
        return Pod(
            stage=self.last["jobs"][job]["metadata"]["labels"][label],
            job=self.first["jobs"][job],
            created=self.first["pods"][name],
            scheduled=self.scheduled[name],
            done=self.done[name],
            succeeded=self.succeeded[name],
            containers=[self._container(name, item, pod["status"], log(name, item)) for item in names],
        )

    def _container(self, pod: str, name: str, status: Object, log: str) -> Container:
        found = container(name, self.kubelet[pod, name], status, log)
        found.told = self.ended.get((pod, name), 0.0)
        return found


def container(name: str, events: dict[str, float], status: Object, log: str) -> Container:
    """What is known of a container from its Events, the pod's status and the end of its log."""
    found = Container(name, dict(events))
    for line in log.splitlines():
        written, _, text = line.partition(" ")
        if took := clock.parse(text):
            found.took, found.said = took, moment(written)
    ended = next((one["state"].get("terminated", {}) for one in _statuses(status) if one["name"] == name), {})
    if ended:
        found.finished = moment(ended["finishedAt"])
    return found


def _statuses(status: Object) -> list[Object]:
    return [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]


def moment(text: str) -> float:
    """Seconds since the epoch of a time in UTC as Kubernetes writes it. Raises ValueError."""
    return datetime.fromisoformat(text).timestamp()


def asked(image: Object) -> tuple[int, str]:
    """What a run is for: the generation and the request."""
    meta = image["metadata"]
    return meta["generation"], meta.get("annotations", {}).get(REQUESTED_AT, "")


def span(images: Sequence[tuple[float, Object]], before: tuple[int, str] | None) -> tuple[float, float] | None:
    """When the object was written that asked for another run than `before`, and when it was Ready; None until then.

    `images` are its states since the end of the run before.
    """
    new = [(seen, image) for seen, image in images if asked(image) != before]
    ended = next((seen for seen, image in new if _ready(image)), None)
    return (new[0][0], ended) if ended else None


def _ready(image: Object) -> bool:
    status = image.get("status", {})
    handled = (status.get("observedGeneration"), status.get("lastHandledRequest", "")) == asked(image)
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))
    return handled and ready and "stage" not in status


@contextmanager
def recording(namespace: str) -> Iterator[Recording]:
    """Watches the namespace until the end of the context."""
    found = Recording()
    watches = {
        kind: kubectl.start("get", "--raw", f"{path.format(namespace)}?watch=1") for kind, path in WATCHED.items()
    }

    def read(kind: str) -> None:
        for line in watches[kind].stdout or ():
            found.add(kind, json.loads(line)["object"], time.time())

    readers = [threading.Thread(target=read, args=(kind,), daemon=True) for kind in watches]
    for reader in readers:
        reader.start()
    try:
        yield found
    finally:
        for watch in watches.values():
            watch.kill()
            watch.wait()


def log_of(namespace: str) -> Callable[[str, str], str]:
    """Reads the end of a container's log, with times."""

    def read(pod: str, name: str) -> str:
        return kubectl.kubectl("-n", namespace, "logs", pod, "-c", name, "--timestamps", "--tail=5")

    return read
