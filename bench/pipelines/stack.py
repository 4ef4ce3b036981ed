"""The setting of the benchmarks: the control plane of the fault tests, the CRD, and the operator as a separate process.

Operator, script and Argo Workflows share the API server, the controller-manager (1,000 requests a second, bursts of
2,000) and KWOK, whose pods run at once and end 0.1 s later.
"""

import asyncio
import contextlib
import copy
import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from bench.pipelines.audit import WriteCounter
from bench.pipelines.client import Client, Object
from bench.pipelines.timing import Run
from bench.usage import Usage, usage
from devcluster.controlplane import ControlPlane
from tests.faults.harness.plane import Plane, fault_plane
from tests.faults.harness.process import Process
from tests.faults.image import install, objects
from tests.loop.api import kubeconfig, wait_for
from tests.support.world import SPEC

GROUP = "/apis/uai.ucloud.cn/v1alpha1"


@dataclass
class Stack:
    """The running control plane, and a directory for this run."""

    plane: Plane
    directory: Path

    @property
    def control_plane(self) -> ControlPlane:
        return self.plane.control_plane

    def namespace(self, prefix: str) -> "Namespace":
        """A new namespace with the chart's service account, whose pods end like those of a successful pipeline."""
        name = self.plane.namespace(prefix, objects.ALL_DONE)
        api = self.plane.api()
        account = install.grant(api, name)
        user = f"system:serviceaccount:{name}:{account}"
        return Namespace(self, name, user, api.token(name, account))


@dataclass
class Namespace:
    """A namespace, and the identity of the operator or the script in it."""

    stack: Stack
    name: str
    user: str
    token: str

    @property
    def path(self) -> str:
        """The API path of its InferenceImages."""
        return f"{GROUP}/namespaces/{self.name}/inferenceimages"

    def writes(self) -> WriteCounter:
        """Starts counting this identity's writes."""
        return WriteCounter(self.stack.control_plane.audit_log, self.user)

    @contextlib.contextmanager
    def operator(self, **settings: Any) -> Iterator["Operator"]:  # noqa: ANN401 - the operator's own configuration
        """A ready operator that watches only this namespace."""
        directory = self.stack.directory / self.name
        directory.mkdir(exist_ok=True)
        file, plane = directory / "kubeconfig", self.stack.control_plane
        file.write_text(json.dumps(kubeconfig(self.token, plane.url, plane.ca)))
        argv, environment = install.command(directory, self.name, settings)
        process = Process(argv, {**environment, "KUBECONFIG": str(file)}, directory / "operator.log")
        operator = Operator(process, directory)
        process.start()
        try:
            operator.wait_until_ready()
            yield operator
        finally:
            process.stop()


@dataclass
class Operator:
    """A running operator."""

    process: Process
    directory: Path

    def wait_until_ready(self) -> None:
        """Waits with the kubelet's readiness request."""
        port = json.loads((self.directory / "config.yaml").read_text())["probes"]["port"]

        def ready() -> bool:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                    return bool(answer.status == HTTPStatus.OK)
            except OSError:
                return False

        wait_for("the operator is ready", ready, lambda: self.process.log[-3000:], 120)

    @property
    def usage(self) -> Usage:
        """The resource usage of its process since its start."""
        return usage(self.process.pid)


async def follow(client: Client, namespace: Namespace, names: list[str]) -> Run:
    """Creates these InferenceImages at once and returns when all are Ready."""
    run = Run()
    watching = asyncio.create_task(_watch(client, namespace, set(names), run))

    def bodies() -> Iterator[Object]:
        for name in names:
            run.started[name] = time.monotonic()
            yield image(name)

    await client.create_all(namespace.path, bodies())
    await watching
    return run


async def _watch(client: Client, namespace: Namespace, waiting: set[str], run: Run) -> None:
    async for found in client.watch(namespace.path, b'"Published"'):
        name = found["metadata"]["name"]
        if name in waiting and _ready(found):
            run.ended[name] = time.monotonic()
            waiting.discard(name)
            if not waiting:
                return


def _ready(found: Object) -> bool:
    return objects.conditions(found).get("Ready") == ("True", "Published")


def image(name: str, spec: Mapping[str, Any] = SPEC) -> Object:
    """An InferenceImage."""
    return {
        "apiVersion": "uai.ucloud.cn/v1alpha1",
        "kind": "InferenceImage",
        "metadata": {"name": name},
        "spec": copy.deepcopy(dict(spec)),
    }


@contextlib.contextmanager
def stack(*audited: Object) -> Iterator[Stack]:
    """The control plane with the CRD, in a temporary directory; removed on exit."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        with fault_plane(objects.STAGE_LABEL, audited, directory) as plane:
            install.install(plane.api())
            yield Stack(plane, directory)
