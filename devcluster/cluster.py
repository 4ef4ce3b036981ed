"""Starts and stops the development cluster.

Each start creates a new Kubernetes cluster; the registry and the object store keep their content.
"""

import importlib.util
import json
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from devcluster import binaries, settings, versions
from devcluster.certs import credentials, kubeconfig, pki
from devcluster.images import oci
from devcluster.lib.progress import say, step
from devcluster.lib.run import CommandError, NotReadyError, run, tail
from devcluster.node import cgroups, configuration, inside, supervisor
from devcluster.node.components import FIREWALL
from devcluster.node.init import STATUS

API_TIMEOUT = 60.0
NODE_TIMEOUT = 90.0
TICK = 0.1
KUBECONFIG = settings.STATE / "kubeconfig"
PAUSE_IMAGE = "devcluster.test/pause:1"  # as in config/containerd.toml


def up(*, network_policies: bool = False) -> None:
    """Starts the cluster, unless it runs already, and waits until every part is ready.

    Raises NotReadyError when NetworkPolicies are to be enforced, and the running cluster does not.
    """
    programs = binaries.ensure(*binaries.all_tool_sets(), *([binaries.KUBE_ROUTER] if network_policies else []))
    record = supervisor.record()
    if supervisor.process() is None:
        start(programs, network_policies=network_policies)
    elif network_policies and not record.get("networkPolicies"):
        raise NotReadyError("The running cluster enforces no NetworkPolicies: stop it with `make cluster-down`.")
    elif not _runs(programs, record.get("binaries")):
        say("The running cluster uses programs of another version: restart it with `make cluster-down cluster-up`.")
    wait_until_ready()


def _runs(programs: dict[str, Path], recorded: object) -> bool:
    """Whether the record of a start has these programs; it may have more."""
    return (
        isinstance(recorded, dict) and {name: str(path) for name, path in programs.items()}.items() <= recorded.items()
    )


def start(programs: dict[str, Path], *, network_policies: bool = False) -> None:
    """Removes what an earlier run left behind and starts the node."""
    clear()
    (settings.STATE / "registry").mkdir(parents=True, exist_ok=True)
    (settings.STATE / "ufile").mkdir(exist_ok=True)
    (settings.STATE / "log" / "pods").mkdir(parents=True)
    _link_programs(programs)
    credentials.ensure()
    node = settings.STATE / "node"
    node.mkdir()
    configuration.write(node, versions.chosen())
    layout = node / "pause"
    oci.write_layout(layout, PAUSE_IMAGE, oci.layer_of({"/pause": programs["pause"]}), {"Entrypoint": ["/pause"]})
    oci.archive(layout, layout.with_suffix(".tar"))
    with listen() as listener:
        port = listener.getsockname()[1]
        _make_certificates(port)
        cgroups.create(settings.cgroup_name())
        arguments = {
            "binaries": {name: str(path) for name, path in programs.items()},
            "networkPolicies": network_policies,
            "cgroupRoot": "/" + settings.cgroup_name(),
            "socket": listener.fileno(),
            "port": port,
        }
        supervisor.start(arguments, listener)


def down() -> None:
    """Stops the cluster; the registry and the object store keep their content."""
    with step("Stopping the cluster"):
        supervisor.stop()
        clear()
        KUBECONFIG.unlink(missing_ok=True)


def clear() -> None:
    """Removes the state of a node that no longer runs."""
    cgroups.remove(settings.cgroup_name())
    for name in ("node", "log"):
        shutil.rmtree(settings.STATE / name, ignore_errors=True)


def listen() -> socket.socket:
    """A listening socket on the host's loopback, on the same port as at the last start if that is free."""
    last = settings.STATE / "run" / "api-port"
    wanted = int(last.read_text()) if last.exists() else 0
    try:
        listener = socket.create_server(("127.0.0.1", wanted), backlog=128)
    except OSError:
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    last.parent.mkdir(parents=True, exist_ok=True)
    last.write_text(str(listener.getsockname()[1]))
    return listener


def _link_programs(programs: dict[str, Path]) -> None:
    """`.devcluster/bin` contains links to kubectl, helm and the other programs."""
    directory = settings.STATE / "bin"
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for name, path in programs.items():
        (directory / name).symlink_to(path)


def _make_certificates(port: int) -> None:
    """Issues new certificates from the existing CA."""
    directory = settings.STATE / "pki"
    directory.mkdir(parents=True, exist_ok=True)
    authority = pki.Authority(directory)
    pki.write_key_pair(directory / "service-account.key", directory / "service-account.pub")
    names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    addresses = ["127.0.0.1", settings.SERVICE_ADDRESS, settings.NODE_ADDRESS]
    authority.issue("apiserver", "kube-apiserver", dns=names, ips=addresses)
    authority.issue("kubelet-server", settings.NODE_NAME, dns=[settings.NODE_NAME], ips=[settings.NODE_ADDRESS])
    authority.issue("registry", settings.REGISTRY_HOST, dns=[settings.REGISTRY_HOST])
    trust = credentials.trust_directory()
    trust.mkdir(exist_ok=True)
    shutil.copy(authority.certificate_path, trust)
    authority.issue("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters")
    inner = f"https://127.0.0.1:{settings.API_PORT}"
    for name, user, group, server in (
        ("kube-controller-manager", "system:kube-controller-manager", "", inner),
        ("kube-scheduler", "system:kube-scheduler", "", inner),
        ("kube-proxy", "system:kube-proxy", "", inner),
        ("kubelet", f"system:node:{settings.NODE_NAME}", "system:nodes", inner),
        ("coredns", "devcluster-coredns", "", inner),
        (FIREWALL, "devcluster-kube-router", "", inner),
        ("admin", "devcluster-admin", "system:masters", f"https://127.0.0.1:{port}"),
    ):
        pair = authority.issue(name, user, group)
        target = KUBECONFIG if name == "admin" else directory / f"{name}.kubeconfig"
        kubeconfig.write(target, server, authority.certificate_path, *pair)


def kubectl(*arguments: str) -> str:
    """Runs kubectl as the cluster's administrator and returns what it prints."""
    return run([settings.STATE / "bin" / "kubectl", f"--kubeconfig={KUBECONFIG}", *arguments])


def wait_until_ready() -> None:
    """Waits for the API server, the node and the services. Raises NotReadyError with the end of a log."""
    with step("Kubernetes API server"):
        _until(lambda: kubectl("get", "--raw=/readyz"), API_TIMEOUT, "kube-apiserver")
    with step("Node"):
        ready = ("wait", "--for=condition=Ready", "node", "--all", "--timeout=5s")
        _until(lambda: kubectl(*ready), NODE_TIMEOUT, "kubelet")
        _until(lambda: kubectl("get", "serviceaccount", "default"), NODE_TIMEOUT, "kube-controller-manager")
        _until(_bootstrapped, NODE_TIMEOUT, "bootstrap")
    services = {"dns": "coredns", "registry": "registry"}
    if importlib.util.find_spec("devcluster.ufile.__main__"):
        services["ufile"] = "ufile"
    else:
        say("The object store stand-in (devcluster/ufile) is missing: the cluster runs without it.")
    with step(f"Services: {', '.join(services)}"):
        for name, error in _ask(services).items():
            if error:
                raise NotReadyError(f"{name} does not work ({error}). End of its log:\n{_log(services[name])}")


def _ask(services: Iterable[str]) -> dict[str, str]:
    """Service -> error, empty when the service responds correctly."""
    command = [sys.executable, "-m", "devcluster.node.checks", *services]
    answers: dict[str, str] = json.loads(inside.run_inside(command, cwd=settings.REPOSITORY))
    return answers


def _bootstrapped() -> None:
    status = json.loads((settings.STATE / STATUS).read_text())
    pending = [name for name in ("pause-image", "bootstrap") if not status[name]["done"]]
    if pending:
        raise NotReadyError(f"{pending[0]} has not finished")


def _until(attempt: Callable[[], object], timeout: float, log: str) -> None:
    deadline = time.monotonic() + timeout
    while True:
        if supervisor.process() is None:
            raise NotReadyError(f"The node process ended. End of its log:\n{_log('node')}")
        try:
            attempt()
        except (CommandError, NotReadyError, OSError) as error:
            if time.monotonic() > deadline:
                raise NotReadyError(f"Not ready after {timeout:.0f} s: {error}\nLog of {log}:\n{_log(log)}") from error
            time.sleep(TICK)
        else:
            return


def _log(name: str) -> str:
    path = settings.STATE / "log" / f"{name}.log"
    return tail(path.read_text(errors="replace")) if path.exists() else "    (no log)"
