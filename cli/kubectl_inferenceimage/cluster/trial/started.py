"""A published image that has been started: what `try` needs of it, and how it is started in a pod."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.requests import MissingError
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.cluster.trial.pod import CONTAINER
from kubectl_inferenceimage.errors import CommandError

LOG_LINES = 20
_HOPELESS = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
}


class State(NamedTuple):
    """How far an image is that was started."""

    is_running: bool
    fault: str = ""
    """Why it will not run; empty if it may."""


class Started(Protocol):
    """An image that was started. Its methods raise CommandError."""

    def state(self) -> State:
        """Whether it runs."""

    def ask(self, method: str, path: str, body: bytes = b"") -> Any:  # noqa: ANN401 - any JSON
        """Its answer: JSON, or text. Raises UnreachableError or MissingError while it does not listen."""

    def log(self) -> str:
        """The end of its log once it has ended, empty if it cannot be read."""


class Pod(NamedTuple):
    """An image in a pod of its own, which is asked through the API server."""

    cluster: Cluster
    name: str
    port: int

    def state(self) -> State:
        status = self.cluster.pod(self.name).get("status", {})
        return State(status.get("phase") == "Running", _fault(status))

    def ask(self, method: str, path: str, body: bytes = b"") -> Any:  # noqa: ANN401 - any JSON
        return self.cluster.ask_pod(method, f"{self.name}:{self.port}", path, body)

    def log(self) -> str:
        try:
            return printable(self.cluster.log(self.name, CONTAINER, LOG_LINES))
        except CommandError:
            return ""


@contextmanager
def in_pod(cluster: Cluster, document: Object, port: int) -> Iterator[Pod]:
    """Creates the pod, and deletes it at the end."""
    with ended_by_signals():
        pod = cluster.create_pod(document)
        try:
            yield Pod(cluster, pod, port)
        finally:
            try:
                cluster.delete_pod(pod)
            except MissingError:
                pass
            except CommandError as error:
                print(f"{error} It ends by itself, at its deadline.", file=sys.stderr)


@contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block SIGTERM raises SystemExit, so that what was started is removed."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _fault(status: Object) -> str:
    for found in status.get("containerStatuses") or []:
        state = found.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated") or {}
        if waiting.get("reason") in _HOPELESS:
            return f"{waiting['reason']}: {waiting.get('message', '')}"
        if ended:
            return f"exit code {ended.get('exitCode')} ({ended.get('reason', 'no reason given')})"
    return status.get("message", "") or "the pod failed" if status.get("phase") == "Failed" else ""
