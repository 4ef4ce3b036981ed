"""Sets up the node's namespaces: mounts, network, host name. Runs only inside new namespaces."""

import os
import socket
from pathlib import Path

from devcluster import settings
from devcluster.lib.run import run

KUBELET_SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}
"""The sysctls that a kubelet sets (pkg/kubelet/cm, setupKernelTunables). It finds these values in files mounted over
the real ones, and the machine keeps its own values."""

VIEW = settings.STATE / "node" / "view"
"""Files mounted over the machine's own. They lie where the host sees them, because `inside` mounts some of them too."""

HOSTS = f"""\
127.0.0.1 localhost
{settings.NODE_ADDRESS} {settings.NODE_NAME} {settings.REGISTRY_HOST}
"""
RESOLV_CONF = f"nameserver {settings.NODE_ADDRESS}\nsearch svc.cluster.local cluster.local\n"


def enter(binaries: dict[str, Path]) -> None:
    """Sets everything up. The order matters: our /run first, then the mounts below it."""
    run(["mount", "--make-rprivate", "/"])
    run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"])
    Path("/run/lock").mkdir()
    _bind(settings.STATE, settings.NODE_STATE)
    _bind(settings.CONFIG, settings.NODE_CONFIG)
    _link(binaries)
    _mount_kubelet()
    for place in ("/var/lib/cni", "/var/log"):
        _bind(_directory(settings.NODE_STATE / "node" / place.strip("/").replace("/", "-")), Path(place))
    _mount_files()
    _network()
    socket.sethostname(settings.NODE_NAME)


def _directory(path: Path) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    return path


def _bind(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise NotADirectoryError(source)
    run(["mount", "--bind", source, _directory(target)])


def _link(binaries: dict[str, Path]) -> None:
    for name, path in binaries.items():
        (_directory(settings.NODE_BINARIES) / name).symlink_to(path)


def _mount_kubelet() -> None:
    """Makes the mount shared within the node, so that containerd sees what the kubelet mounts for a pod."""
    target = Path("/var/lib/kubelet")
    _bind(_directory(settings.NODE_STATE / "node" / "kubelet"), target)
    run(["mount", "--make-rshared", target])


def _mount_files() -> None:
    _directory(VIEW)
    contents = {"/etc/hosts": HOSTS, "/etc/resolv.conf": RESOLV_CONF}
    contents |= {f"/proc/sys/{name}": f"{value}\n" for name, value in KUBELET_SYSCTLS.items()}
    for target, content in contents.items():
        source = view_of(target)
        source.write_text(content)
        place = Path(os.path.realpath(target))
        if not place.exists():  # a resolv.conf that links into the machine's /run
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        run(["mount", "--bind", source, place])


def view_of(path: str) -> Path:
    """The file that is mounted over `path` on the node."""
    return VIEW / path.strip("/").replace("/", "-")


def _network() -> None:
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "link", "add", "eth0", "type", "veth", "peer", "name", "peer0"])
    for device in ("peer0", "eth0"):
        run(["ip", "link", "set", device, "up"])
    run(["ip", "address", "add", f"{settings.NODE_ADDRESS}/24", "dev", "eth0"])
    run(["ip", "route", "add", "default", "via", settings.NODE_GATEWAY])
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1\n")
