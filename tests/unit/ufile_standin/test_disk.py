"""The stand-in's data and process: restarts, ranges, conditions, the command line, the control port."""

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from ufile import filemanager

from devcluster.lib import ports
from devcluster.ufile import Fault, FaultPlan, KeyPair, running
from devcluster.ufile.protocol.request import Request

ROOT = Path(__file__).parents[3]
DEADLINE = 60.0


def _files(port):
    suffix = f".0.0.1:{port}"
    return filemanager.FileManager("PUB", "PRIV", suffix, suffix)


def test_objects_and_uploads_survive_a_restart(tmp_path):
    keys = [KeyPair("PUB", "PRIV")]
    with running(tmp_path, keys) as standin:
        _files(standin.port).putstream("127", "a/b", b"data", header={"X-Ufile-Meta-Sha256": "abc"})
    orphan = tmp_path / "127" / "blobs" / "left-by-a-crash.incoming"
    orphan.write_bytes(b"half")
    with running(tmp_path, keys) as standin:
        url = _files(standin.port).private_download_url("127", "a/b", internal=True)
        answer = requests.get(url, timeout=60)
        assert (answer.content, answer.headers["X-Ufile-Meta-Sha256"]) == (b"data", "abc")
    assert not orphan.exists()


def test_a_replaced_object_leaves_no_bytes_behind(standin, files, tmp_path):
    for data in (b"one", b"two"):
        files.putstream("127", "k", data)
    assert [path.read_bytes() for path in (tmp_path / "data" / "127" / "blobs").iterdir()] == [b"two"]
    files.deletefile("127", "k")
    assert not list((tmp_path / "data" / "127" / "blobs").iterdir())


@pytest.mark.parametrize(
    ("header", "status", "content", "content_range"),
    [
        ("bytes=0-0", 206, b"0", "bytes 0-0/10"),
        ("bytes=8-", 206, b"89", "bytes 8-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=oops", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
    ],
)
def test_ranges(files, header, status, content, content_range):
    files.putstream("127", "k", b"0123456789")
    answer = requests.get(files.private_download_url("127", "k", internal=True), headers={"Range": header}, timeout=60)
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("Content-Range") == content_range


def test_a_range_beyond_the_end(files):
    files.putstream("127", "k", b"0123456789")
    url = files.private_download_url("127", "k", internal=True)
    assert requests.get(url, headers={"Range": "bytes=10-"}, timeout=60).status_code == 416


def test_conditional_requests(files):
    files.putstream("127", "k", b"data")
    url = files.private_download_url("127", "k", internal=True)
    first = requests.get(url, timeout=60)
    assert requests.get(url, headers={"If-None-Match": first.headers["ETag"]}, timeout=60).status_code == 304
    since = {"If-Modified-Since": first.headers["Last-Modified"]}
    assert requests.get(url, headers=since, timeout=60).status_code == 304
    assert requests.get(url, headers={"If-None-Match": '"other"'}, timeout=60).content == b"data"


def test_a_fault_affects_its_requests_as_often_as_planned():
    plan = FaultPlan()
    plan.add(Fault(kind="status", method="PUT", key="a/*", times=2), Fault(kind="reset", parameter="list", times=-1))
    put, listing = Request("PUT", "b", "a/1", {}, {}), Request("GET", "b", "", {"list": ""}, {})
    assert plan.take(Request("GET", "b", "a/1", {}, {})) is None
    assert [bool(plan.take(put)) for _ in range(3)] == [True, True, False]
    assert all(plan.take(listing) for _ in range(3))
    plan.clear()
    assert plan.take(listing) is None


def test_a_fault_of_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="unknown fault nonsense"):
        Fault(kind="nonsense")


@pytest.mark.parametrize("kind", ["reset", "lose_reply"])
def test_a_put_whose_reply_never_comes(standin, files, kind):
    standin.faults.add(Fault(kind=kind, method="PUT"))
    assert files.putstream("127", "k", b"data")[1].status_code == -1
    assert files.head_file("127", "k")[1].status_code == {"reset": 404, "lose_reply": 200}[kind]


def _wait_until_it_answers(process, port):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        assert process.poll() is None, process.stderr.read()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise AssertionError("the stand-in does not listen")


def _archives_and_restores(files, control):
    """Sets an object's class, the duration of a restore, and the clock through the control port."""
    archive = {"bucket": "127", "key": "k", "storageClass": "ARCHIVE"}
    assert requests.put(f"{control}/objects", json=archive, timeout=60).status_code == 204
    assert files.head_file("127", "k")[1].status_code == 403
    assert requests.put(f"{control}/restores", json={"Standard": 60}, timeout=60).status_code == 204
    assert files.restore_file("127", "k")[1].ok()
    assert files.head_file("127", "k")[1].status_code == 403
    assert requests.post(f"{control}/clock", json={"advance": 60}, timeout=60).status_code == 204
    assert files.head_file("127", "k")[1].ok()
    for wrong in (archive | {"key": "absent"}, archive | {"storageClass": "COLD"}, {"key": "k"}):
        assert requests.put(f"{control}/objects", json=wrong, timeout=60).status_code == 400


def test_the_command_serves_takes_faults_and_ends_on_sigterm(tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps([{"publicKey": "PUB", "privateKey": "PRIV"}]))
    port, control = ports.reserve(2)
    command = [sys.executable, "-m", "devcluster.ufile", "--port", str(port), "--control-port", str(control)]
    command += ["--data", str(tmp_path / "data"), "--keys", str(keys), "--bucket", "127"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            _wait_until_it_answers(process, control)
            files, faults = _files(port), f"http://127.0.0.1:{control}/faults"
            assert requests.post(faults, data='[{"kind": "status", "status": 500}]', timeout=60).status_code == 204
            assert requests.get(faults, timeout=60).json()[0]["status"] == 500
            assert files.putstream("127", "k", b"data")[1].status_code == 500
            assert files.putstream("127", "k", b"data")[1].ok()
            assert requests.post(faults, data='[{"kind": "nonsense"}]', timeout=60).status_code == 400
            assert requests.delete(faults, timeout=60).status_code == 204
            _archives_and_restores(files, f"http://127.0.0.1:{control}")
        finally:
            process.send_signal(signal.SIGTERM)
            output, errors = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, errors
    assert "127" in output
    assert "PRIV" not in output + errors
