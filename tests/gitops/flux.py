"""Flux's source-controller and kustomize-controller as processes beside a control plane without a node."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import yaml

from devcluster import binaries
from devcluster.controlplane import ControlPlane, Program
from devcluster.lib import ports
from devcluster.lib.run import tail
from tests.loop.api import Api

GROUPS = {"source-controller": "source.toolkit.fluxcd.io", "kustomize-controller": "kustomize.toolkit.fluxcd.io"}
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextmanager
def flux(plane: ControlPlane, api: Api, folder: Path) -> Iterator[dict[str, Program]]:
    """Both controllers with the administrator's rights, as Flux's installation gives them. Name -> program."""
    for name, group in GROUPS.items():
        _install_crds(api, name, group)
    storage = ports.reserve(1)[0]
    options = {
        "source-controller": (
            f"--storage-path={folder}",
            f"--storage-addr=127.0.0.1:{storage}",
            f"--storage-adv-addr=127.0.0.1:{storage}",
        ),
        "kustomize-controller": ("--requeue-dependency=1s",),  # the default is 30 s: a test would wait that long
    }
    with ExitStack() as stack:
        yield {name: _start(stack, plane, folder, name, own) for name, own in options.items()}


def told(programs: dict[str, Program]) -> str:
    """The end of both logs."""
    return "".join(f"\n{name}:\n{tail(program.log.read_text())}" for name, program in programs.items())


def _install_crds(api: Api, controller: str, group: str) -> None:
    """The CRDs that the module of the controller carries; it does not start without them."""
    source = binaries.module(binaries.FLUX.name, binaries.FLUX.programs[controller])
    for file in sorted((source / "config" / "crd" / "bases").glob("*.yaml")):
        manifest = yaml.safe_load(file.read_text())
        api.apply(f"{CRDS}/{manifest['metadata']['name']}", manifest)
        version = manifest["spec"]["versions"][0]["name"]
        api.until_served(f"/apis/{group}/{version}", manifest["spec"]["names"]["plural"])


def _start(stack: ExitStack, plane: ControlPlane, folder: Path, name: str, own: tuple[str, ...]) -> Program:
    health = ports.reserve(1)[0]
    argv = [
        *("env", f"KUBECONFIG={plane.kubeconfig}", f"TMPDIR={folder}"),
        str(binaries.ensure(binaries.FLUX)[name]),
        *("--watch-all-namespaces", "--events-addr=", "--metrics-addr=0", f"--health-addr=127.0.0.1:{health}"),
        *("--kube-api-qps=500", "--kube-api-burst=1000", *own),
    ]
    program = Program(argv, folder / f"{name}.log")
    program.start()
    stack.callback(program.stop)
    return program
