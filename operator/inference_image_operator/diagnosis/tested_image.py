"""The image under test, as the kubelet reports it: crashes, out of memory, its log."""

import re
from collections.abc import Sequence

from inference_image_contract.redact import redact
from inference_image_operator.observed import Container, Pod

IMAGE = "image"
"""The sidecar's name."""
MAX_LOG_TAIL = 2048
_NOT_STARTING = frozenset({"CrashLoopBackOff", "RunContainerError", "CreateContainerError", "StartError"})
_HOPELESS_RESTARTS = 2
_DENIED = "permission denied"


def is_out_of_memory(pods: Sequence[Pod]) -> bool:
    """Whether the image, or a process that it started, was killed because it ran out of memory."""
    return any(image.killed for pod in pods if (image := pod.container(IMAGE)))


def crashing(pods: Sequence[Pod]) -> Container | None:
    """The image that keeps crashing; None if it does not."""
    for pod in pods:
        image = pod.container(IMAGE)
        if image is None or image.restarts < _HOPELESS_RESTARTS:
            continue
        if image.exit_code is not None or image.waiting in _NOT_STARTING:
            return image
    return None


def end_of(image: Container) -> str:
    """A sentence about an image that does not keep running."""
    ended = f"exit code {image.exit_code}" if image.exit_code is not None else image.waiting
    last = _last_line(image.report or image.log or image.message)
    return f"The built image exits right after its start ({ended})" + (f": {last}" if last else ".")


def remedy(image: Container) -> str:
    """What to do about an image that does not keep running, as the beginning of a hint."""
    if _DENIED in f"{image.report} {image.log} {image.message}".lower():
        return (
            "See lastFailure.logTail. If the denied file is a program of the source, write COPY --chmod=755 for it in "
            "the Dockerfile: archives and Git keep the executable bit, objects of US3 and ConfigMaps have none"
        )
    return "See lastFailure.logTail. Fix the inference code, or CMD and ENTRYPOINT in the Dockerfile"


def log_tail(pods: Sequence[Pod]) -> str:
    """The last lines of the newest image's log, redacted; empty if the log was not read."""
    found = next((image.log for pod in pods if (image := pod.container(IMAGE)) and image.log), "")
    return redact(found)[-MAX_LOG_TAIL:]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in redact(text).splitlines() if line.strip()]
    return re.sub(r"\s+", " ", lines[-1])[:300] if lines else ""
