"""Checks DNS, the registry and the object store from inside the cluster's network. Prints JSON."""

import http.client
import json
import socket
import ssl
import sys
import time
from collections.abc import Callable

from devcluster import settings

DEADLINE = 20.0
TICK = 0.1
CLUSTER_DNS = "10.96.0.10"


def dns() -> None:
    """DNS resolves a Service and a bucket."""
    for name in ("kubernetes.default.svc.cluster.local", settings.UFILE_BUCKET + settings.UFILE_SUFFIX):
        socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
    with socket.create_connection((CLUSTER_DNS, 53), timeout=2):  # the DNS address of pods, through kube-proxy
        pass


def registry() -> None:
    """The registry requires a password, over trusted TLS."""
    trust = ssl.create_default_context(cafile=str(settings.STATE / "pki" / "ca.crt"))
    connection = http.client.HTTPSConnection(settings.REGISTRY_HOST, timeout=2, context=trust)
    _expect(connection, "/v2/", http.HTTPStatus.UNAUTHORIZED)


def ufile() -> None:
    """The object store rejects a request without a signature."""
    connection = http.client.HTTPConnection(settings.UFILE_BUCKET + settings.UFILE_SUFFIX, timeout=2)
    _expect(connection, "/absent", http.HTTPStatus.UNAUTHORIZED)


def _expect(connection: http.client.HTTPConnection, path: str, status: http.HTTPStatus) -> None:
    connection.request("GET", path)
    answer = connection.getresponse()
    connection.close()
    if answer.status != status:
        raise ConnectionError(f"{path} returned {answer.status} instead of {status.value}")


CHECKS: dict[str, Callable[[], None]] = {"dns": dns, "registry": registry, "ufile": ufile}


def attempt(check: Callable[[], None], deadline: float) -> str:
    """Repeats a check until it passes. Returns an empty text, or the last error at the deadline."""
    while True:
        try:
            check()
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() > deadline:
                return str(error) or type(error).__name__
            time.sleep(TICK)
        else:
            return ""


def main() -> None:
    """Runs the checks named by the arguments."""
    deadline = time.monotonic() + DEADLINE
    print(json.dumps({name: attempt(CHECKS[name], deadline) for name in sys.argv[1:]}))


if __name__ == "__main__":
    main()
