"""`logs`: the logs of a stage's containers, in the order in which they run."""

from collections.abc import Iterator

from inference_image_operator.api import GROUP
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import CONTAINERS
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.errors import CommandError


def logs(cluster: Cluster, name: str, stage: str) -> None:
    """Prints the logs of the newest pod of a stage; by default of the stage at work, or else of the last failure.

    Raises CommandError, also when the stage has no pod any more.
    """
    image = cluster.image(name)
    chosen = _stage(stage) if stage else current(image.get("status", {}))
    label = f"{GROUP}/stage"
    pods = [pod for pod in cluster.pods(image["metadata"]["uid"]) if pod["metadata"]["labels"].get(label) == chosen]
    if not pods:
        raise CommandError(f"{chosen} has no pod. Its Jobs are deleted after spec.ttlAfterFinished.")
    for line in _lines(cluster, chosen, pods[-1]):
        print(printable(line))


def _stage(name: str) -> Stage:
    found = next((stage for stage in Stage if stage.lower() == name.lower()), None)
    if found is None:
        raise CommandError(f"There is no stage {name}. The stages are {', '.join(Stage)}.")
    return found


def current(status: Object) -> Stage:
    """The stage at work, or else the one that failed last, or else the last one."""
    claimed = status.get("stage", {}).get("name")
    failed = status.get("lastFailure", {}).get("stage")
    return Stage(claimed or failed or [*Stage][-1])


def _lines(cluster: Cluster, stage: Stage, pod: Object) -> Iterator[str]:
    """Each line with the container's name, as `kubectl logs --prefix` has it."""
    spec = pod["spec"]
    there = {container["name"] for container in (*spec.get("initContainers", []), *spec["containers"])}
    for container in CONTAINERS[stage]:
        if container in there:
            try:
                text = cluster.log(pod["metadata"]["name"], container)
            except CommandError as error:
                yield f"[{container}] {error}"
            else:
                yield from (f"[{container}] {line}" for line in text.splitlines())
