"""Runs kubectl against the development cluster, for the demo and the end-to-end tests."""

import json
import subprocess
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from devcluster import settings
from devcluster.lib.run import CommandError, run

T = TypeVar("T")
Object = dict[str, Any]

KUBECONFIG = settings.STATE / "kubeconfig"
BINARY = settings.STATE / "bin" / "kubectl"
UNREACHED = "Unable to connect to the server"
"""What kubectl says when a request did not reach the API server, for example after 10 s without a TLS handshake."""
PATIENCE = 120.0
TICK = 0.5


def argv(*arguments: str) -> list[str]:
    """The command line of a kubectl call."""
    return [str(BINARY), f"--kubeconfig={KUBECONFIG}", *arguments]


def kubectl(*arguments: str, text: str | None = None) -> str:
    """Runs kubectl and returns its output; raises CommandError with its error output."""
    return patiently(lambda: run(argv(*arguments), text=text, timeout=300))


def patiently(send: Callable[[], T]) -> T:
    """What the request answers. It is sent again for `PATIENCE` seconds while it does not reach the API server.

    A busy machine delays it. Such a request raises CommandError with `UNREACHED`; every other one ends the call.
    """
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return send()
        except CommandError as error:
            if UNREACHED not in str(error) or time.monotonic() > deadline:
                raise
        time.sleep(TICK)


def get(*arguments: str) -> Object:
    """An object or a list as JSON; raises CommandError when it does not exist."""
    found: Object = json.loads(kubectl("get", *arguments, "-o", "json"))
    return found


def find(*arguments: str) -> Object | None:
    """An object as JSON, None when it does not exist."""
    text = kubectl("get", *arguments, "-o", "json", "--ignore-not-found")
    return json.loads(text) if text else None


def apply(*objects: Object) -> None:
    """Applies objects server-side. They go through standard input, so a Secret never appears on a command line."""
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=demo", "-f", "-", text=document)


def start(*arguments: str) -> subprocess.Popen[str]:
    """Starts a long-running kubectl, for example `wait`."""
    return subprocess.Popen(argv(*arguments), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def namespace(name: str, level: str) -> Object:
    """A namespace that enforces a Pod Security level."""
    labels = {"pod-security.kubernetes.io/enforce": level}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def secret(namespace_: str, name: str, data: dict[str, str], kind: str = "Opaque") -> Object:
    """A Secret with text values."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": namespace_},
        "type": kind,
        "stringData": data,
    }


def explain(namespace_: str, words: Sequence[str] = ("infimg", "jobs", "pods")) -> str:
    """What helps after a failure: the namespace's objects and events."""
    parts = [kubectl("-n", namespace_, "get", kind, "-o", "wide") for kind in words]
    events = kubectl("-n", namespace_, "get", "events", "--sort-by=.lastTimestamp")
    return "\n".join([*parts, *events.splitlines()[-30:]])
