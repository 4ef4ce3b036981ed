"""A published image in a container of docker or podman on this machine."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from inference_image_operator.api.quantities import quantity
from kubectl_inferenceimage.cluster.connection import Object
from kubectl_inferenceimage.cluster.requests import UnreachableError
from kubectl_inferenceimage.cluster.text import printable
from kubectl_inferenceimage.cluster.trial.started import LOG_LINES, State, ended_by_signals
from kubectl_inferenceimage.errors import CommandError

_LOOPBACK = "127.0.0.1"
_SECONDS = 60.0
"""For an answer of the image."""
_LONGEST = 10_000_000
_TYPE = {"Content-Type": "application/octet-stream"}
_DIRECT = build_opener(ProxyHandler({}))


class Container(NamedTuple):
    """An image in a container, which is asked on loopback."""

    engine: str
    id: str
    port: int

    def state(self) -> State:
        found = json.loads(_said(self.engine, "inspect", "--format={{json .State}}", self.id))
        if found["Running"] or found["Status"] in {"created", "starting"}:
            return State(found["Running"])
        killed = " (OOMKilled)" if found.get("OOMKilled") else ""
        return State(False, f"exit code {found['ExitCode']}{killed}")

    def ask(self, method: str, path: str, body: bytes = b"") -> Any:  # noqa: ANN401 - any JSON
        address = _said(self.engine, "port", self.id, f"{self.port}/tcp").splitlines()
        if not address:
            raise UnreachableError("The container has ended.")
        request = Request(f"http://{address[0]}{path}", body or None, _TYPE, method=method)
        try:
            with _DIRECT.open(request, timeout=_SECONDS) as reply:
                text = reply.read(_LONGEST).decode(errors="replace")
        except HTTPError as error:
            text = error.read(_LONGEST).decode(errors="replace")
            raise UnreachableError(f"The image answers {error.code} on {path}: {text[:500]}") from error
        except OSError as error:
            raise UnreachableError(f"The image does not answer on {path}: {error}.") from error
        try:
            return json.loads(text)
        except ValueError:
            return text

    def log(self) -> str:
        _run(self.engine, "wait", self.id)  # podman says that a container has ended before its log is whole
        done = _run(self.engine, "logs", f"--tail={LOG_LINES}", self.id)
        return printable(done.stdout + done.stderr)


@contextmanager
def in_container(engine: str, container: Object, port: int) -> Iterator[Container]:
    """Runs the container of a pod with its limits, and removes it at the end. The engine pulls with its own login."""
    with ended_by_signals():
        started = _said(engine, *arguments(container, port))
        try:
            yield Container(engine, started, port)
        finally:
            _run(engine, "rm", "--force", started)


def arguments(container: Object, port: int) -> list[str]:
    """The arguments of `docker run` or `podman run` for the container of a pod. Pure."""
    memory = container["resources"].get("limits", {}).get("memory", "")
    return [
        *("run", "--detach", "--stop-timeout=1", f"--publish={_LOOPBACK}::{port}"),
        *("--cap-drop=ALL", "--security-opt=no-new-privileges"),
        *([f"--memory={int(quantity(memory))}b"] if memory else []),
        container["image"],
    ]


def _said(engine: str, *words: str) -> str:
    """What the engine prints. Raises CommandError with what it says when it fails."""
    done = _run(engine, *words)
    if done.returncode:
        raise CommandError(f"{engine} {words[0]} failed: {printable(done.stderr.strip())}")
    return done.stdout.strip()


def _run(engine: str, *words: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run([engine, *words], capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise CommandError(f"{engine} is not installed, or not on PATH.") from error
