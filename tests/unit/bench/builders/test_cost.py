"""The basis of the builder comparison: equal contexts, counted bytes, measured processes."""

import http.server
import json
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from bench.builders import measure
from bench.builders.counted import counted
from bench.builders.site import MIB, WEIGHTS, make_context
from devcluster.lib.in_thread import serving


def test_equal_seeds_make_equal_contexts_and_other_seeds_change_only_the_weights(tmp_path):
    for name, seed in (("a", 2), ("b", 2), ("c", 3)):
        make_context(tmp_path / name, "base", 17 * MIB, seed=seed)
    files = {
        name: {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in _files(tmp_path / name)}
        for name in "abc"
    }
    assert files["a"] == files["b"]
    assert [path for path in files["a"] if files["a"][path] != files["c"][path]] == [f"context/{WEIGHTS}"]
    assert len(files["a"][f"context/{WEIGHTS}"]) == 17 * MIB


def _files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


class _Sink(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *args):  # noqa: A002 - the name of the base class
        """Keeps the test output clean."""


def test_the_proxy_counts_what_the_registry_receives():
    with (
        serving(http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Sink)) as server,
        counted(f"127.0.0.1:{server.server_port}") as counter,
    ):
        assert requests.put(f"http://{counter.host}/x", data=b"x" * 500_000, timeout=60).status_code == 201
        assert 500_000 < counter.take() < 501_000
        assert counter.take() == 0


@pytest.mark.parametrize("code", [0, 3])
def test_a_process_is_measured_without_the_memory_of_its_parent(tmp_path, code):
    ballast = b"x" * (200 * MIB)
    program = f"import sys; data = b'y' * ({MIB} * 80); sys.exit({code})"
    result = tmp_path / "result"
    done = subprocess.run(
        [sys.executable, "-S", "-E", measure.__file__, result, "", sys.executable, "-S", "-c", program], check=False
    )
    assert done.returncode == code
    assert 80 * MIB < json.loads(result.read_text())["peak"] < 160 * MIB
    assert ballast
