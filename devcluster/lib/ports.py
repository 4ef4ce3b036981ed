"""Reserves ports for programs that bind them later, and bind them again after a restart."""

import contextlib
import fcntl
import os
import secrets
import socket
import tempfile
from pathlib import Path

FIRST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOCKS = Path(tempfile.gettempdir())
_held: list[int] = []


def reserve(count: int) -> list[int]:
    """Free ports of this host, reserved for this process until it ends.

    They lie below the kernel's ephemeral range: any outgoing connection could take a port of that range between
    the choice and the bind. Other processes that reserve ports here get different ones.
    """
    end = int(EPHEMERAL.read_text().split()[0])
    ports = range(FIRST, end)
    start = secrets.randbelow(len(ports))
    candidates = (port for port in (*ports[start:], *ports[:start]) if _take(port))
    return [next(candidates) for _ in range(count)]


def _take(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
        lock = os.open(LOCKS / f"port-{port}.lock", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        _held.append(lock)
        return True
    return False
