"""An operator under test: how it is installed and started, what is asked of it, and what must always hold."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults.audit import Write
from tests.faults.plane import Plane
from tests.faults.process import Process
from tests.faults.proxy import Loop, Proxy
from tests.faults.warm import nursery
from tests.loop.api import Api, Object, kubeconfig, wait_for

DEADLINE = float(os.environ.get("FAULT_DEADLINE", "300"))
"""Seconds for what takes a few on an idle machine."""


@dataclass(frozen=True)
class Ground:
    """What all runs of a process stand on: the control plane, the proxies' loop, a scratch directory."""

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

    def until(self, what: str, look: Callable[[], Any]) -> Any:
        """What `look` finds within the deadline; a failure shows requests and log."""
        return self.until_within(what, look, DEADLINE)

    def until_within(self, what: str, look: Callable[[], Any], seconds: float) -> Any:
        """The same with another deadline."""
        return wait_for(what, look, self.explain, seconds)

    def explain(self) -> str:
        """What is needed to understand a failure."""
        return "\n".join((self.subject.show(self), self.proxy.log()[-6000:], self.operator.log[-4000:]))

    def path(self, prefix: str, plural: str, name: str = "") -> str:
        """Path of a resource of this namespace."""
        return f"{prefix}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def audited(self) -> list[Write]:
        """The API server's record of this namespace."""
        return self.plane.audit.writes(self.namespace)

    def outcomes(self, annotations: Mapping[str, str]) -> None:
        """From the next pod on, pods end as these annotations say."""
        self.api.merge(f"/api/v1/namespaces/{self.namespace}", {"metadata": {"annotations": dict(annotations)}})


@dataclass(frozen=True)
class Scenario:
    """What a user does, until the operator has nothing left to do."""

    drive: Callable[[Bench], None]
    outcomes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Subject:
    """Everything that the harness needs to know about an operator."""

    name: str
    install: Callable[[Api], None]
    """Once per API server: definitions and cluster-wide rights."""
    grant: Callable[[Api, str], str]
    """Rights in a namespace; returns the service account's name."""
    command: Callable[[Path, str, Mapping[str, Any]], tuple[Sequence[str], Mapping[str, str]]]
    """A Python program (this interpreter first) and environment, from a scratch directory, namespace and settings."""
    scenarios: Mapping[str, Scenario]
    final: Callable[[Bench], Object]
    """The state that counts, without times and uids."""
    violations: Callable[[Sequence[Write]], list[str]]
    """What must never have happened, read from the audit log."""
    show: Callable[[Bench], str]
    """The objects, for people."""
    audited: Sequence[Object] = ()
    """Resources whose objects the audit log shall hold, as in an audit policy."""
    stage_label: str = "faults.test/stage"
    """The label that tells the stage of a pod."""
    modules: Sequence[str] = ("kopf",)
    """What the operator imports; imported once for all its lives."""
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
    launch = nursery(tuple(subject.modules), environment.get("PYTHONPATH", ""))
    return Process(argv, {**environment, "KUBECONFIG": str(file)}, directory / "operator.log", launch)


def proxy_of(ground: Ground) -> Proxy:
    """One more way to the API server."""
    control_plane = ground.plane.control_plane
    return Proxy(ground.loop, control_plane.url, control_plane.ca)


def bench(ground: Ground, subject: Subject, outcomes: Mapping[str, str], **settings: Any) -> Bench:
    """A namespace of its own with an operator of its own, not started."""
    plane = ground.plane
    namespace = plane.namespace(subject.name, dict(outcomes))
    proxy = proxy_of(ground)
    process = operator(ground, subject, namespace, proxy, **settings)
    return Bench(plane, subject, namespace, plane.api(), proxy, process)
