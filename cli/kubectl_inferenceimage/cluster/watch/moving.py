"""How far the container at work is, from the end of its log, with the person's rights to list pods and read logs."""

from collections.abc import Callable, Iterable

from inference_image_contract import progress
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import CONTAINERS, SIDECARS
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.objects import JOB, container_statuses, label
from kubectl_inferenceimage.cluster.requests import ForbiddenError
from kubectl_inferenceimage.cluster.watch.progress import Moving
from kubectl_inferenceimage.errors import CommandError

PERIOD = 2.0
"""Seconds between two readings of the log."""
_LINES = 5


def follow(
    cluster: Cluster,
    image: Callable[[], Object | None],
    *,
    show: Callable[[Moving | None], None],
    wait: Callable[[float], bool],
    tell: Callable[[str], None],
) -> None:
    """Shows how far the stage of the newest state of the object is, until `wait` says to stop.

    Without a right, it tells which, and ends.
    """
    while not wait(PERIOD):
        try:
            found = image()
            show(now(cluster, found, cluster.pods(found["metadata"]["uid"])) if found and _job(found) else None)
        except ForbiddenError as error:
            tell(f"{error} Without it, there are no bars.")
            return
        except CommandError:  # a pod that has just gone, or a server that does not answer: the next time tells
            show(None)


def _job(image: Object) -> str:
    """The Job of the stage at work; empty without one."""
    job: str = image.get("status", {}).get("stage", {}).get("job", "")
    return job


def now(cluster: Cluster, image: Object, pods: Iterable[Object]) -> Moving | None:
    """How far the stage at work is. `pods` are those of the object, the oldest first. Raises CommandError."""
    job = _job(image)
    own = [pod for pod in pods if job and label(pod, JOB) == job]
    container = running(Stage(image["status"]["stage"]["name"]), own[-1]) if own else ""
    if not container:
        return None
    found = progress.latest(cluster.log(own[-1]["metadata"]["name"], container, _LINES))
    return Moving(container, found) if found else None


def running(stage: Stage, pod: Object) -> str:
    """The step that runs in a pod; empty if none does. Sidecars and containers from outside do not count."""
    works = {one["name"] for one in container_statuses(pod) if "running" in one.get("state", {})}
    return next((name for name in CONTAINERS[stage] if name in works and name not in SIDECARS), "")
