"""Runs programs of the host inside the cluster's network, where the names of Services and stand-ins resolve.

The program keeps its files, its working directory and its process ID; only the network namespace, /etc/hosts and
/etc/resolv.conf are the node's.
"""

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from devcluster import settings
from devcluster.lib.run import NotReadyError, run
from devcluster.node import namespaces
from devcluster.node.supervisor import node_process

CLONE_NEWNS = 0x00020000
CLONE_NEWNET = 0x40000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 1 << 18


def _check(result: int, what: str) -> None:
    if result:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def enter() -> None:
    """Moves this process into the cluster's network.

    Raises NotReadyError when the cluster does not run, OSError without root.
    """
    node = node_process()
    if node is None:
        raise NotReadyError("The development cluster is not running: start it with `make cluster-up`.")
    libc = ctypes.CDLL(None, use_errno=True)
    with Path(f"/proc/{node}/ns/net").open("rb") as network:
        _check(libc.setns(network.fileno(), CLONE_NEWNET), "Entering the cluster's network")
    _check(libc.unshare(CLONE_NEWNS), "Creating a mount namespace")
    _check(libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None), "Making mounts private")
    for target in ("/etc/hosts", "/etc/resolv.conf"):
        source = os.fsencode(namespaces.view_of(target))
        _check(libc.mount(source, os.fsencode(os.path.realpath(target)), None, MS_BIND, None), f"Mounting {target}")


def argv(command: Sequence[str | Path]) -> list[str]:
    """The command line that runs `command` inside the cluster's network."""
    return [sys.executable, str(settings.REPOSITORY / "devcluster" / "node" / "enter.py"), *map(str, command)]


def run_inside(
    command: Sequence[str | Path], *, cwd: Path | None = None, text: str | None = None, timeout: float | None = None
) -> str:
    """Runs a program inside the cluster's network and returns its standard output. Raises as `run.run` does."""
    return run(argv(command), cwd=cwd, text=text, timeout=timeout)
