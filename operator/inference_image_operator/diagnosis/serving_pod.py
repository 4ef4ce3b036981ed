"""A pod of a person's service, in its own words."""

import re

from inference_image_contract.redact import redact
from inference_image_operator.observed import Container, Pod

_MAX_SAID = 300
_STARTING = frozenset({"ContainerCreating", "PodInitializing"})


def said(pod: Pod) -> str:
    """Why the pod is not available, as the scheduler, the kubelet or its container say it."""
    if pod.unschedulable:
        return f"Pod {pod.name} is not scheduled: {short(pod.unschedulable)}"
    for container in pod.containers:
        if text := _of_container(container):
            return f"Pod {pod.name}, container {container.name}: {text}"
    return f"Pod {pod.name} is not ready."


def _of_container(container: Container) -> str:
    """Why the container does not run; empty if it does, is about to, or has done its work."""
    if container.exit_code is not None and not (container.init and container.exit_code == 0):
        ended = f"exit code {container.exit_code}" + (f", {container.ended}" if container.ended else "")
        return f"{ended}: {_last_line(container.report)}" if container.report else f"{ended}."
    if container.waiting and container.waiting not in _STARTING:
        return f"{container.waiting}: {short(container.message)}" if container.message else f"{container.waiting}."
    return ""


def _last_line(text: str) -> str:
    lines = [line for line in redact(text).splitlines() if line.strip()]
    return short(lines[-1]) if lines else ""


def short(text: str) -> str:
    """Words of another's object in one line, with what looks like a secret masked."""
    return re.sub(r"\s+", " ", redact(text)).strip()[:_MAX_SAID]
