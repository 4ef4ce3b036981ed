"""Argo Workflows for comparison: a workflow with one step per stage, on the same control plane with the same pods.

Its controller has the client rates of our controller-manager; its own default is 20 requests a second.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

from bench.pipelines.client import Client, Object
from bench.pipelines.stack import Stack
from bench.pipelines.timing import Run
from bench.usage import usage
from devcluster import binaries
from inference_image_operator.api.stages import Stage
from tests.faults.harness.process import Process
from tests.loop.api import Api

MODULE = "github.com/argoproj/argo-workflows/v3"
GROUP = "/apis/argoproj.io/v1alpha1"


@dataclass(frozen=True)
class Cost:
    """The controller's cost of the workflows."""

    total: float
    cpu_seconds: float
    peak_bytes: int


def run(found: Stack, count: int) -> Cost:
    """Runs `count` workflows at once."""
    _install(found.plane.api())
    namespace = found.plane.namespace("argo")
    with _controller(found, namespace) as process:
        asyncio.run(_workflows(found, namespace, ["warm-up"]))
        before = usage(process.pid)
        took = asyncio.run(_workflows(found, namespace, [f"workflow-{number}" for number in range(count)]))
        after = usage(process.pid)
    cost = Cost(took.total, after.cpu_seconds - before.cpu_seconds, after.peak_bytes)
    print(f"Argo Workflows: {count} in {cost.total:.1f} s, {cost.cpu_seconds:.1f} s of CPU", flush=True)
    return cost


def workflow(name: str) -> Object:
    """A workflow with one sequential step per stage."""
    steps = [[{"name": stage.lower(), "template": "run"}] for stage in Stage]
    container = {"image": "x", "command": ["x"]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Workflow",
        "metadata": {"name": name},
        "spec": {
            "entrypoint": "main",
            "templates": [{"name": "main", "steps": steps}, {"name": "run", "container": container}],
        },
    }


def _definitions() -> list[Object]:
    """The CRDs in its Go module."""
    module = binaries.module(binaries.ARGO.name, MODULE)
    files = sorted((module / "manifests" / "base" / "crds" / "minimal").glob("argoproj.io_*.yaml"))
    return [yaml.safe_load(path.read_text()) for path in files]


def _install(api: Api) -> None:
    for definition in _definitions():
        api.apply(
            f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}", definition
        )
    api.until_served(GROUP, "workflows")


@contextlib.contextmanager
def _controller(found: Stack, namespace: str) -> Iterator[Process]:
    settings: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "workflow-controller-configmap"},
    }
    found.plane.api().request("POST", f"/api/v1/namespaces/{namespace}/configmaps", settings)
    argv = [
        str(binaries.ensure(binaries.ARGO)["workflow-controller"]),
        f"--kubeconfig={found.control_plane.kubeconfig}",
        f"--namespace={namespace}",
        "--namespaced",
        "--configmap=workflow-controller-configmap",
        "--executor-image=x",
        "--qps=1000",
        "--burst=2000",
        "--loglevel=warn",
    ]
    environment = {"LEADER_ELECTION_DISABLE": "true", "ARGO_REMOVE_PVC_PROTECTION_FINALIZER": "true"}
    process = Process(argv, environment, found.directory / "argo.log")
    process.start()
    try:
        yield process
    except BaseException:
        print(process.log[-4000:], flush=True)
        raise
    finally:
        process.stop()


async def _workflows(found: Stack, namespace: str, names: list[str]) -> Run:
    run = Run()
    path = f"{GROUP}/namespaces/{namespace}/workflows"
    async with asyncio.timeout(1200), Client(found.control_plane) as client:

        def bodies() -> Iterator[Object]:
            for name in names:
                run.started[name] = time.monotonic()
                yield workflow(name)

        async def watch() -> None:
            waiting = set(names)
            async for item in client.watch(path, b'workflows.argoproj.io/completed":"true"'):
                name = item["metadata"]["name"]
                if name in waiting:
                    if item["status"]["phase"] != "Succeeded":
                        raise RuntimeError(f"workflow {name} failed: {json.dumps(item['status'])[:2000]}")
                    run.ended[name] = time.monotonic()
                    waiting.discard(name)
                if not waiting:
                    return

        watching = asyncio.create_task(watch())
        await client.create_all(path, bodies())
        await watching
    return run
