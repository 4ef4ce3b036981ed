"""Addresses outside of the cluster: a network namespace behind a pair of devices, with listeners.

Packets from pods to it are forwarded by the node, as those to a cloud's metadata service are.
"""

import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence

from devcluster import settings
from devcluster.lib.run import run
from devcluster.node import inside
from tests.network import listen

NEAR, FAR = "192.0.2.1", "192.0.2.2"
"""Of the node and of the namespace, from a range for documentation (RFC 5737)."""
DEVICE = "outside"


@contextlib.contextmanager
def serve(addresses: Sequence[str], ports: Sequence[int]) -> Iterator[None]:
    """Serves every port at every address until the block ends, for the node and its pods."""
    words = [",".join(addresses), *map(str, ports)]
    command = inside.argv(["unshare", "--net", sys.executable, "-m", "tests.network.outside", *words])
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=settings.REPOSITORY) as process:
        try:
            assert process.stdin
            assert process.stdout
            assert process.stdout.readline() == "in a namespace\n"
            _connect(process.pid, addresses)
            process.stdin.write("connected\n")
            process.stdin.flush()
            assert process.stdout.readline() == "listening\n"
            yield
        finally:
            process.kill()


def _connect(process: int, addresses: Sequence[str]) -> None:
    """Gives the node a device to the namespace of a process, and routes."""

    def ip(*words: str) -> None:
        inside.run_inside(["ip", *words])

    ip("link", "add", DEVICE, "type", "veth", "peer", "name", DEVICE, "netns", str(process))
    ip("address", "add", f"{NEAR}/30", "dev", DEVICE)
    ip("link", "set", DEVICE, "up")
    for address in addresses:
        ip("route", "add", f"{address}/32", "via", FAR)


def main() -> None:
    """Arguments: the addresses, the ports."""
    print("in a namespace", flush=True)
    sys.stdin.readline()
    for device in ("lo", DEVICE):
        run(["ip", "link", "set", device, "up"])
    run(["ip", "address", "add", f"{FAR}/30", "dev", DEVICE])
    run(["ip", "route", "add", "default", "via", NEAR])
    for address in sys.argv[1].split(","):
        run(["ip", "address", "add", f"{address}/32", "dev", "lo"])
    listen.listen([int(port) for port in sys.argv[2:]])
    print("listening", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
