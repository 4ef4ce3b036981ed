"""The processes of the node: their command lines, in start order."""

import sys
from dataclasses import dataclass

from devcluster.settings import (
    API_PORT,
    NODE_ADDRESS,
    NODE_BINARIES,
    NODE_CONFIG,
    NODE_NAME,
    NODE_STATE,
    TUTORIAL_BUCKET,
    UFILE_BUCKET,
    UFILE_CONTROL_PORT,
)

PKI = NODE_STATE / "pki"
SECRETS = NODE_STATE / "secrets"
VOLATILE = NODE_STATE / "node"
SERVICE_RANGE = "10.96.0.0/16"
FIREWALL = "kube-router"
"""The component and the program that enforce NetworkPolicies."""
ETCD_URL = "http://127.0.0.1:2379"

CLIENT_RATE = ("--kube-api-qps=1000", "--kube-api-burst=2000")
"""The default of 20 requests a second would limit every system that depends on Jobs."""


@dataclass(frozen=True)
class Component:
    """One process that the node keeps running."""

    name: str
    argv: tuple[str, ...]
    needs_api: bool = False
    """Whether it starts only when the API server is ready, because it exits without one."""
    once: bool = False
    """Whether it is done when it exits with code 0."""


def components(
    cgroup_root: str, api_socket: int, api_host_port: int, *, network_policies: bool = False
) -> list[Component]:
    """All components. `api_socket` is the descriptor of the host's listening socket for the API server."""
    return [
        Component("containerd", ("containerd", "--config", f"{NODE_CONFIG}/containerd.toml")),
        Component("etcd", _etcd()),
        Component("registry", ("docker-registry", "serve", f"{NODE_CONFIG}/registry.yml")),
        Component("ufile", _ufile()),
        Component(
            "api-forwarder",
            (sys.executable, "-m", "devcluster.node.forwarder", str(api_socket), str(api_host_port), str(API_PORT)),
        ),
        Component("kube-apiserver", _api_server()),
        Component("kube-controller-manager", _controller_manager(), needs_api=True),
        Component("kube-scheduler", _scheduler(), needs_api=True),
        Component("coredns", (f"{NODE_BINARIES}/coredns", "-conf", f"{NODE_CONFIG}/Corefile"), needs_api=True),
        Component("kubelet", _kubelet(cgroup_root), needs_api=True),
        Component(
            "kube-proxy", (f"{NODE_BINARIES}/kube-proxy", f"--config={VOLATILE}/kube-proxy.yaml"), needs_api=True
        ),
        Component(
            "pause-image",
            ("ctr", "--namespace=k8s.io", "images", "import", f"{NODE_STATE}/node/pause.tar"),
            once=True,
        ),
        Component("bootstrap", _bootstrap(), needs_api=True, once=True),
        *([Component(FIREWALL, _firewall(), needs_api=True)] if network_policies else []),
    ]


def _etcd() -> tuple[str, ...]:
    return (
        f"{NODE_BINARIES}/etcd",
        "--data-dir=/run/etcd",  # in memory: a disk that is busy with an image stops no request
        f"--listen-client-urls={ETCD_URL}",
        f"--advertise-client-urls={ETCD_URL}",
        "--listen-peer-urls=http://127.0.0.1:2380",
        "--unsafe-no-fsync",  # after a power loss the machine starts a new cluster anyway
        "--log-level=warn",
    )


def _ufile() -> tuple[str, ...]:
    return (
        *(sys.executable, "-m", "devcluster.ufile", "--address", "0.0.0.0", "--port", "80"),  # noqa: S104 - inside the node's network namespace
        *("--data", f"{NODE_STATE}/ufile", "--keys", f"{SECRETS}/ufile-keys.json"),
        *(f"--bucket={bucket}" for bucket in (UFILE_BUCKET, TUTORIAL_BUCKET)),
        f"--control-port={UFILE_CONTROL_PORT}",
    )


def _api_server() -> tuple[str, ...]:
    return (
        f"{NODE_BINARIES}/kube-apiserver",
        f"--etcd-servers={ETCD_URL}",
        f"--advertise-address={NODE_ADDRESS}",
        f"--secure-port={API_PORT}",
        f"--service-cluster-ip-range={SERVICE_RANGE}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={PKI}/ca.crt",
        f"--tls-cert-file={PKI}/apiserver.crt",
        f"--tls-private-key-file={PKI}/apiserver.key",
        f"--kubelet-client-certificate={PKI}/apiserver-kubelet.crt",
        f"--kubelet-client-key={PKI}/apiserver-kubelet.key",
        f"--kubelet-certificate-authority={PKI}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",  # then `kubectl logs` works without resolving the node's name
        f"--service-account-key-file={PKI}/service-account.pub",
        f"--service-account-signing-key-file={PKI}/service-account.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--audit-policy-file={NODE_CONFIG}/audit-policy.yaml",
        f"--audit-log-path={NODE_STATE}/log/audit.log",
        "--audit-log-maxsize=1024",
        "--audit-log-maxbackup=2",
    )


def _controller_manager() -> tuple[str, ...]:
    return (
        f"{NODE_BINARIES}/kube-controller-manager",
        f"--kubeconfig={PKI}/kube-controller-manager.kubeconfig",
        f"--service-account-private-key-file={PKI}/service-account.key",
        f"--root-ca-file={PKI}/ca.crt",
        "--use-service-account-credentials",
        "--leader-elect=false",
        *CLIENT_RATE,
    )


def _scheduler() -> tuple[str, ...]:
    kubeconfig = f"--kubeconfig={PKI}/kube-scheduler.kubeconfig"
    return (f"{NODE_BINARIES}/kube-scheduler", kubeconfig, "--leader-elect=false", *CLIENT_RATE)


def _kubelet(cgroup_root: str) -> tuple[str, ...]:
    return (
        f"{NODE_BINARIES}/kubelet",
        f"--config={VOLATILE}/kubelet.yaml",
        f"--kubeconfig={PKI}/kubelet.kubeconfig",
        f"--hostname-override={NODE_NAME}",
        f"--node-ip={NODE_ADDRESS}",
        f"--cgroup-root={cgroup_root}",
    )


def _firewall() -> tuple[str, ...]:
    """kube-router as a firewall alone: the CNI plugin connects the pods, and kube-proxy serves the Services."""
    return (
        f"{NODE_BINARIES}/{FIREWALL}",
        f"--kubeconfig={PKI}/{FIREWALL}.kubeconfig",
        f"--hostname-override={NODE_NAME}",
        *("--run-firewall=true", "--run-router=false", "--run-service-proxy=false", "--enable-cni=false"),
        f"--service-cluster-ip-range={SERVICE_RANGE}",
    )


def _bootstrap() -> tuple[str, ...]:
    kubeconfig = f"--kubeconfig={NODE_STATE}/kubeconfig"
    manifest = f"--filename={NODE_CONFIG}/bootstrap.yaml"
    return (f"{NODE_BINARIES}/kubectl", kubeconfig, "apply", "--server-side", manifest)
