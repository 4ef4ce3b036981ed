"""Runs the real Kaniko executor as in its pod: with its own root file system, memory limit and disk size.

Needs root, and to be called inside a mount namespace that is thrown away.
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from devcluster.node import cgroups

DEVICES = ("null", "zero", "random", "urandom")
TIMEOUT = 150.0
TAIL_BYTES, TAIL_LINES = 2048, 80
"""Limits of the log that a kubelet copies into a termination message (pkg/kubelet/kuberuntime)."""
NAME_SERVER = "127.0.0.53"
_MIB = 1024**2
_GROUP = "kaniko-capture"


@dataclass(frozen=True)
class Ended:
    """How the executor ended."""

    code: int
    """As the kubelet reports it: 128 + signal for a kill."""
    tail: str
    """The log as in a termination message."""


@contextlib.contextmanager
def root(folder: Path, executor: Path, hosts: Mapping[str, str], size_mib: int) -> Iterator[Path]:
    """A root file system of at most `size_mib` with only the executor; unmounted afterwards."""
    place = folder / "root"
    place.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=755", "tmpfs", place)
    try:
        for name in ("proc", "dev", "etc", "tmp", "kaniko/.docker", "root", "workspace"):
            (place / name).mkdir(parents=True)
        (place / "etc/hosts").write_text("".join(f"{address} {name}\n" for name, address in hosts.items()))
        (place / "etc/resolv.conf").write_text(f"nameserver {NAME_SERVER}\n")
        _run("mount", "-t", "proc", "proc", place / "proc")
        for name in DEVICES:
            _bind(Path("/dev", name), place / "dev" / name)
        _bind(executor, place / "kaniko/executor")
        yield place
    finally:
        _run("umount", "--recursive", place)
        place.rmdir()


def execute(place: Path, args: Sequence[str], *, memory_mib: int = 0, stop_after: str = "") -> Ended:
    """Runs the executor; optionally under a memory limit, or killed once its log contains `stop_after`."""
    log = place.parent / "log"
    with log.open("wb") as output, _memory_limit(memory_mib) as join:
        process = subprocess.Popen(
            ["chroot", place, "/kaniko/executor", "--force", *args],  # it does not detect this as a container
            stdout=output,
            stderr=output,
            env={"HOME": "/root", "USER": "root", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                 "DOCKER_CONFIG": "/kaniko/.docker/", "SSL_CERT_DIR": "/kaniko/ssl/certs"},
            preexec_fn=join,  # noqa: PLW1509 - no threads of this process hold a lock that this needs
        )  # fmt: skip
        if stop_after:
            _await_line(log, stop_after, process)
            process.kill()
        code = process.wait(TIMEOUT)
    text = log.read_bytes()
    log.unlink()
    return Ended(code if code >= 0 else 128 - code, tail_of(text))


def tail_of(log: bytes) -> str:
    """The end of a log, cut as a kubelet does."""
    lines = log[-TAIL_BYTES:].decode("utf-8", errors="replace").splitlines()
    return "\n".join(lines[-TAIL_LINES:]) + "\n"


@contextlib.contextmanager
def _memory_limit(mib: int) -> Iterator[object]:
    """A function that puts the calling child under the limit; None without a limit."""
    if not mib:
        yield None
        return
    cgroups.create(_GROUP)
    try:
        places = [hierarchy / _GROUP for hierarchy in cgroups.hierarchies() if _has_memory(hierarchy / _GROUP)]
        for path in places:
            name = "memory.max" if (path / "memory.max").exists() else "memory.limit_in_bytes"
            (path / name).write_text(str(mib * _MIB))
        yield lambda: [(path / "cgroup.procs").write_text(str(os.getpid())) for path in places]
    finally:
        cgroups.remove(_GROUP)


def _has_memory(path: Path) -> bool:
    return (path / "memory.max").exists() or (path / "memory.limit_in_bytes").exists()


def _await_line(log: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None and words not in log.read_text(errors="replace"):
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.02)


def _bind(source: Path, target: Path) -> None:
    target.touch()
    _run("mount", "--bind", source, target)


def _run(*argv: str | Path) -> None:
    subprocess.run([shutil.which(str(argv[0])) or argv[0], *argv[1:]], check=True)
