"""A reserved port stays free, whatever connects and whoever else reserves."""

import socket
import subprocess
import sys
from pathlib import Path

from devcluster.lib import ports

ROOT = Path(__file__).parents[4]


def test_no_connection_takes_a_reserved_port():
    first_ephemeral = int(ports.EPHEMERAL.read_text().split()[0])
    assert all(port < first_ephemeral for port in ports.reserve(20))


def test_reserved_ports_differ_and_can_be_bound_repeatedly():
    (port,) = ports.reserve(1)
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)):
            assert port not in ports.reserve(5)
    assert len(set(ports.reserve(20))) == 20


def test_another_process_gets_other_ports():
    reserved = ports.reserve(3)
    ask = f"from devcluster.lib import ports; print([ports._take(port) for port in {reserved}])"
    output = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "[False, False, False]"


def test_a_port_in_use_is_not_reserved():
    (port,) = ports.reserve(1)
    with socket.create_server(("127.0.0.1", port)):
        assert not ports._take(port)
