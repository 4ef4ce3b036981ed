"""The control plane of the tests: a real one, which ends with its process."""

import http.client
import json
import ssl
import subprocess
import sys
import time
import urllib.parse

import pytest

from devcluster import settings
from devcluster.controlplane import control_plane

DEADLINE = 120.0

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "job"},
    "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "none"}]}}},
}


@pytest.fixture(scope="module")
def plane():
    with control_plane() as running:
        yield running


def request(plane, method, path, body=None):
    trust = ssl.create_default_context(cafile=str(plane.ca))
    trust.load_cert_chain(plane.client_certificate, plane.client_key)
    data = None if body is None else json.dumps(body).encode()
    connection = http.client.HTTPSConnection(urllib.parse.urlsplit(plane.url).netloc, timeout=60, context=trust)
    connection.request(method, path, data, {"Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    connection.close()
    return answer


def eventually(question):
    deadline = time.monotonic() + DEADLINE
    while not (answer := question()):
        assert time.monotonic() < deadline, "it did not happen before the deadline"
    return answer


def test_its_job_controller_makes_pods_and_its_collector_removes_them(plane):
    jobs, pods = "/apis/batch/v1/namespaces/default/jobs", "/api/v1/namespaces/default/pods"
    request(plane, "POST", jobs, JOB)
    (pod,) = eventually(lambda: request(plane, "GET", pods)["items"])
    assert pod["metadata"]["ownerReferences"][0]["name"] == "job"
    request(plane, "DELETE", f"{jobs}/job?propagationPolicy=Background")
    # No kubelet runs the pod, so it stays until its deletion is confirmed: check the collector's request instead.
    eventually(lambda: all(p["metadata"].get("deletionTimestamp") for p in request(plane, "GET", pods)["items"]))


def test_its_audit_log_has_the_bodies_of_writes(plane):
    request(plane, "POST", "/apis/batch/v1/namespaces/default/jobs", JOB | {"metadata": {"name": "audited"}})
    events = [json.loads(line) for line in plane.audit_log.read_text().splitlines()]
    created = [e for e in events if e["verb"] == "create" and e["objectRef"].get("resource") == "jobs"]
    assert any(e["requestObject"]["metadata"]["name"] == "audited" for e in created)


def test_its_kubeconfig_is_an_administrators(plane):
    document = json.loads(plane.kubeconfig.read_text())
    assert document["clusters"][0]["cluster"]["server"] == plane.url


@pytest.fixture
def asker():
    """Another process that starts a control plane, prints its directory, and waits."""
    program = (
        "import signal\n"
        "from devcluster.controlplane import control_plane\n"
        "with control_plane([]) as plane:\n"
        "    print(plane.kubeconfig.parent, flush=True)\n"
        "    signal.pause()\n"
    )
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=settings.REPOSITORY) as process:
        yield process
        process.kill()


def test_it_ends_with_the_process_that_started_it(asker):
    directory = asker.stdout.readline().strip()
    assert programs_naming(directory) == {"etcd", "kube-apiserver"}
    asker.kill()
    eventually(lambda: not programs_naming(directory))


def programs_naming(directory):
    """The running programs with the directory in their command line."""
    listing = subprocess.run(
        ["ps", "-ww", "-eo", "stat=,comm=,args="], capture_output=True, text=True, check=True
    ).stdout
    lines = [line.split(maxsplit=2) for line in listing.splitlines() if directory in line]
    return {name for state, name, _ in lines if not state.startswith("Z")}
