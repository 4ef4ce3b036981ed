"""A port that was promised stays free, whatever connects and whoever else asks."""

import socket
import subprocess
import sys
from pathlib import Path

from devcluster.lib import ports

ROOT = Path(__file__).parents[4]


def test_no_connection_takes_it_before_the_program_binds_it():
    first_ephemeral = int(ports.EPHEMERAL.read_text().split()[0])
    assert all(port < first_ephemeral for port in ports.reserve(20))


def test_they_differ_and_can_be_bound_again_and_again():
    (port,) = ports.reserve(1)
    for _ in range(2):
        with socket.create_server(("127.0.0.1", port)):
            assert port not in ports.reserve(5)
    assert len(set(ports.reserve(20))) == 20


def test_another_process_that_asks_gets_others():
    reserved = ports.reserve(3)
    ask = f"from devcluster.lib import ports; print([ports._take(port) for port in {reserved}])"
    output = subprocess.run([sys.executable, "-c", ask], cwd=ROOT, check=True, capture_output=True, text=True)
    assert output.stdout.strip() == "[False, False, False]"


def test_where_somebody_listens_is_not_given():
    (port,) = ports.reserve(1)
    with socket.create_server(("127.0.0.1", port)):
        assert not ports._take(port)
