"""An operator under test: how to install and start it, its scenarios, and its invariants."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.harness.audit import Write
from tests.faults.harness.plane import Plane
from tests.faults.harness.process import Process
from tests.faults.harness.proxy import Loop, Proxy
from tests.faults.harness.warm import nursery
from tests.loop.api import Api, Object, kubeconfig, wait_for

DEADLINE = float(os.environ.get("FAULT_DEADLINE", "300"))
"""Deadline in seconds for steps that take a few seconds on an idle machine."""


@dataclass(frozen=True)
class Ground:
    """What all runs of a process share: the control plane, the proxies' loop, a scratch directory."""

    plane: Plane
    loop: Loop
    directory: Path


@dataclass
class Bench:
    """One run: a namespace, an operator that serves it, and the proxy between the operator and the API server."""

    plane: Plane
    subject: "Subject"
    namespace: str
    api: Api
    proxy: Proxy
    operator: Process

    def until(self, what: str, find: Callable[[], Any]) -> Any:
        """The result of `find` within the deadline. A failure shows requests and log."""
        return self.until_within(what, find, DEADLINE)

    def until_within(self, what: str, find: Callable[[], Any], seconds: float) -> Any:
        """Like `until`, with another deadline."""
        return wait_for(what, find, self.explain, seconds)

    def explain(self) -> str:
        """The requests and the log, to explain a failure."""
        return "\n".join((self.subject.show(self), self.proxy.log()[-6000:], self.operator.log[-4000:]))

    def path(self, prefix: str, plural: str, name: str = "") -> str:
        """The API path of a resource in this namespace."""
        return f"{prefix}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def audited(self) -> list[Write]:
        """The audit log of this namespace."""
        return self.plane.audit.writes(self.namespace)

    def outcomes(self, annotations: Mapping[str, str]) -> None:
        """Sets how the next pods end, by these annotations."""
        self.api.merge(f"/api/v1/namespaces/{self.namespace}", {"metadata": {"annotations": dict(annotations)}})


@dataclass(frozen=True)
class Scenario:
    """The steps of a user, until the operator has nothing left to do."""

    drive: Callable[[Bench], None]
    outcomes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """Everything that the harness needs to know about an operator."""

    name: str
    install: Callable[[Api], None]
    """Installs CRDs and cluster-wide rights, once for each API server."""
    grant: Callable[[Api, str], str]
    """Grants rights in a namespace. Returns the name of the service account."""
    command: Callable[[Path, str, Mapping[str, Any]], tuple[Sequence[str], Mapping[str, str]]]
    """The command (this interpreter first) and environment, from a scratch directory, namespace and settings."""
    scenarios: Mapping[str, Scenario]
    final: Callable[[Bench], Object]
    """The final state to compare, without times and UIDs."""
    violations: Callable[[Sequence[Write]], list[str]]
    """Violations of the invariants, read from the audit log."""
    show: Callable[[Bench], str]
    """The objects, as text."""
    audited: Sequence[Object] = ()
    """Resources whose objects the audit log records, as in an audit policy."""
    stage_label: str = "faults.test/stage"
    """The label with a pod's stage."""
    modules: Sequence[str] = ("kopf",)
    """The modules that the operator imports. They are imported once for all its processes."""
    settings: Mapping[str, Any] = field(default_factory=dict)


def operator(ground: Ground, subject: Subject, namespace: str, proxy: Proxy, **settings: Any) -> Process:
    """An operator of this subject behind this proxy, not started."""
    plane = ground.plane
    directory = Path(tempfile.mkdtemp(prefix=f"{namespace}-", dir=ground.directory))
    api = plane.api()
    token = api.token(namespace, subject.grant(api, namespace))
    file = directory / "kubeconfig"
    file.write_text(json.dumps(kubeconfig(token, proxy.url)))
    argv, environment = subject.command(directory, namespace, settings)
    launch = nursery(tuple(subject.modules))
    return Process(argv, {**environment, "KUBECONFIG": str(file)}, directory / "operator.log", launch)


def proxy_of(ground: Ground) -> Proxy:
    """Another proxy to the API server."""
    control_plane = ground.plane.control_plane
    return Proxy(ground.loop, control_plane.url, control_plane.ca)


def bench(ground: Ground, subject: Subject, outcomes: Mapping[str, str], **settings: Any) -> Bench:
    """A new namespace with a new operator, not started."""
    plane = ground.plane
    namespace = plane.namespace(subject.name, dict(outcomes))
    proxy = proxy_of(ground)
    process = operator(ground, subject, namespace, proxy, **settings)
    return Bench(plane, subject, namespace, plane.api(), proxy, process)
