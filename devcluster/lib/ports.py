"""Ports for programs that are told theirs and bind it themselves, maybe later, maybe again after a kill."""

import contextlib
import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

FIRST = 10_000
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOCKS = Path(tempfile.gettempdir())
_held: list[int] = []


def reserve(count: int) -> list[int]:
    """Ports of this host where nobody listens, this process's own until it ends.

    They lie below the range that the kernel takes a connection's own port from: a port of that range can be taken
    by any connection between the choice and the bind. Other processes that ask here get other ports.
    """
    end = int(EPHEMERAL.read_text().split()[0])
    candidates = (port for port in random.sample(range(FIRST, end), end - FIRST) if _take(port))
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
