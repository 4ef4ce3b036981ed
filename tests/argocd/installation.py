"""Argo CD as processes beside a control plane without a node: its three servers, and Redis between them."""

import contextlib
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from devcluster import binaries
from devcluster.controlplane import ControlPlane, Program
from devcluster.lib import ports
from devcluster.lib.run import tail
from docs_tools.markdown import blocks
from tests.gitops.reader import PAGE
from tests.loop.api import Api, Object, wait_for

NAMESPACE = "argocd"
MODULE = "github.com/argoproj/argo-cd/v3"
GROUP = "/apis/argoproj.io/v1alpha1"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
PLURALS = {"ConfigMap": "configmaps", "Secret": "secrets"}
SECRET = {"server.secretkey": "a key for sessions that nobody opens"}


@dataclass
class ArgoCD:
    """A running Argo CD."""

    program: Path
    """The command `argocd`."""
    server: str
    """The address of its API server."""
    processes: Mapping[str, Program]

    def told(self) -> str:
        """The end of every log."""
        logs = {name: one.log for name, one in self.processes.items() if one.log.exists()}
        return "".join(f"\n{name}:\n{tail(log.read_text())}" for name, log in logs.items())


@contextmanager
def argo_cd(plane: ControlPlane, api: Api, folder: Path) -> Iterator[ArgoCD]:
    """Argo CD with the configuration of the page, the administrator's rights and no login. Without TLS, on loopback."""
    _install(api)
    redis, repository, server, *metrics = ports.reserve(6)
    known = [f"--redis=127.0.0.1:{redis}", f"--repo-server=127.0.0.1:{repository}", "--repo-server-plaintext"]
    known += [f"--namespace={NAMESPACE}"]
    names = [f"argocd-{name}" for name in ("repo-server", "server", "application-controller")]
    options = {
        "argocd-repo-server": [known[0], "--address=127.0.0.1", f"--port={repository}", "--disable-tls"],
        "argocd-server": [*known, "--address=127.0.0.1", f"--port={server}", "--insecure", "--disable-auth"],
        "argocd-application-controller": known,
    }
    program = binaries.ensure(binaries.ARGOCD)["argocd"]
    processes = {"redis-server": Program(_redis(folder, redis), folder / "redis-server.log")}
    for name, port in zip(names, metrics, strict=True):
        argv = ["env", *_environment(plane, folder, name), str(program), *options[name], f"--metrics-port={port}"]
        processes[name] = Program(argv, folder / f"{name}.log")
    found = ArgoCD(program, f"127.0.0.1:{server}", processes)
    with ExitStack() as stack:
        for (name, one), port in zip(processes.items(), (redis, repository, server, metrics[-1]), strict=True):
            one.start()
            stack.callback(one.stop)
            wait_for(f"{name} answers", lambda one=one, port=port: _answers(one, port), found.told)
        yield found


def configuration() -> Object:
    """What the page adds to Argo CD's ConfigMap; tests/unit/docs holds it equal to the scripts of deploy/argocd."""
    (found,) = (text for text in blocks(PAGE.read_text(), "yaml") if text.startswith("resource.customizations."))
    return yaml.safe_load(found)


def _install(api: Api) -> None:
    """CRDs and configuration, as its module has them, without the Deployments."""
    manifests = binaries.module(binaries.ARGOCD.name, MODULE) / "manifests"
    for file in sorted((manifests / "crds").glob("*-crd.yaml")):
        crd = yaml.safe_load(file.read_text())
        api.apply(f"{CRDS}/{crd['metadata']['name']}", crd)
        api.until_served(GROUP, crd["spec"]["names"]["plural"])
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    api.request("POST", "/api/v1/namespaces", namespace)
    more = {"argocd-cm": {"data": configuration()}, "argocd-secret": {"stringData": SECRET}}
    for file in sorted((manifests / "base" / "config").glob("argocd-*.yaml")):
        found = yaml.safe_load(file.read_text())
        name = found["metadata"]["name"]
        for field, added in more.get(name, {}).items():
            found[field] = found.get(field, {}) | added
        api.apply(f"/api/v1/namespaces/{NAMESPACE}/{PLURALS[found['kind']]}/{name}", found)


def _environment(plane: ControlPlane, folder: Path, name: str) -> list[str]:
    own = folder / name
    (own / "plugins").mkdir(parents=True)
    places = ("TMPDIR", "HOME", "ARGOCD_TLS_DATA_PATH", "ARGOCD_SSH_DATA_PATH")
    return [
        f"ARGOCD_BINARY_NAME={name}",  # it is one program, which acts by this name
        f"KUBECONFIG={plane.kubeconfig}",
        "ARGOCD_FAKE_IN_CLUSTER=true",  # the cluster that it runs in is that of KUBECONFIG
        "ARGOCD_GPG_ENABLED=false",
        "ARGOCD_K8S_CLIENT_QPS=500",
        "ARGOCD_K8S_CLIENT_BURST=1000",
        f"ARGOCD_PLUGINSOCKFILEPATH={own / 'plugins'}",
        f"ARGOCD_ASK_PASS_SOCK={own / 'ask-pass.sock'}",
        *(f"{place}={own}" for place in places),
    ]


def _redis(folder: Path, port: int) -> list[str]:
    return ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]


def _answers(program: Program, port: int) -> bool:
    assert program.running, tail(program.log.read_text())
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
