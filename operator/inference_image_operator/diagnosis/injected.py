"""Containers that something else adds to a pod: a service mesh, or another mutating webhook."""

from inference_image_contract.hints import CONTINUES
from inference_image_contract.reasons import Reason
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import CONTAINERS, MAIN
from inference_image_operator.diagnosis.waiting_for import Cause
from inference_image_operator.observed import Container, Pod

REMEDY = (
    "Keep it out of the pods with spec.podMetadata, or for all objects with config.jobs.podMetadata (chart values)."
)


def injected(stage: Stage, pod: Pod) -> tuple[Container, ...]:
    """The pod's containers that the operator did not ask for."""
    return tuple(container for container in pod.containers if container.name not in CONTAINERS[stage])


def ended_main(stage: Stage, pods: tuple[Pod, ...]) -> Pod | None:
    """The newest pod, if the stage's own containers have ended, but others run on or failed; None otherwise.

    Kubernetes then counts the pod as running or failed. Its own containers decide about the stage.
    """
    pod = max(pods, key=lambda found: found.created, default=None)
    main = pod.container(MAIN[stage]) if pod else None
    if pod is None or main is None or main.exit_code is None or (pod.disrupted and main.exit_code):
        return None
    return pod if any(not c.init and c.exit_code != 0 for c in injected(stage, pod)) else None


def blocked(stage: Stage, pod: Pod) -> Cause | None:
    """A container that keeps the stage's own from starting: it crashes, or runs before them; None without one."""
    for container in injected(stage, pod):
        before = container.init and not container.sidecar and container.runs
        if not before and container.waiting != "CrashLoopBackOff":
            continue
        does = "has not ended" if before else f"does not start: {container.message}"
        return Cause(
            reason=Reason.CONTAINER_INJECTED,
            message=f"Container {container.name} {does}. It was added to the pod by something else in the cluster, and "
            "the stage's own containers wait for it.",
            hint=f"{REMEDY} {CONTINUES}",
        )
    return None


def _names(containers: tuple[Container, ...]) -> str:
    """The containers, as the subject of a sentence."""
    found = ", ".join(container.name for container in containers)
    return f"Container {found}" if len(containers) == 1 else f"Containers {found}"


def note(stage: Stage, pod: Pod) -> str:
    """A sentence about the containers that the operator did not ask for; empty without any."""
    found = injected(stage, pod)
    was = "was" if len(found) == 1 else "were"
    return f"{_names(found)} {was} added to the pod by something else in the cluster." if found else ""
