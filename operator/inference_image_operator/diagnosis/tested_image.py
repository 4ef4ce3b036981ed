"""What the built image comes to while it is tested, as the kubelet tells it: it crashes, starves, or says something."""

import re
from collections.abc import Sequence

from inference_image_contract.redact import redact
from inference_image_operator.observed import Container, Pod

IMAGE = "image"
"""The sidecar's name."""
MAX_LOG_TAIL = 2048
_NOT_STARTING = frozenset({"CrashLoopBackOff", "RunContainerError", "CreateContainerError", "StartError"})
_HOPELESS_RESTARTS = 2


def is_out_of_memory(pods: Sequence[Pod]) -> bool:
    """Whether the image, or what it started, was killed for want of memory."""
    return any(image.killed for pod in pods if (image := pod.container(IMAGE)))


def crashing(pods: Sequence[Pod]) -> Container | None:
    """The image that ends again and again."""
    for pod in pods:
        image = pod.container(IMAGE)
        if image is None or image.restarts < _HOPELESS_RESTARTS:
            continue
        if image.exit_code is not None or image.waiting in _NOT_STARTING:
            return image
    return None


def end_of(image: Container) -> str:
    """A sentence about an image that does not go on running."""
    ended = f"exit code {image.exit_code}" if image.exit_code is not None else image.waiting
    last = _last_line(image.report or image.log or image.message)
    return f"The built image ends right after its start ({ended})" + (f": {last}" if last else ".")


def log_tail(pods: Sequence[Pod]) -> str:
    """The last lines of the newest image's log, redacted; empty when nobody read it."""
    found = next((image.log for pod in pods if (image := pod.container(IMAGE)) and image.log), "")
    return redact(found)[-MAX_LOG_TAIL:]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in redact(text).splitlines() if line.strip()]
    return re.sub(r"\s+", " ", lines[-1])[:300] if lines else ""
