"""The running cluster is a real one: names, pulls by digest, passwords, Services, audit, Pod Security."""

import base64
import json
import subprocess
import sys
import time
import uuid

import pytest

from devcluster import cluster as devcluster
from devcluster import settings
from devcluster.certs import credentials
from devcluster.images import catalog
from devcluster.lib.run import CommandError
from devcluster.node import inside

DEADLINE = 120.0

SERVER = "import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port=8080)"
CLIENT = """
import socket, ssl, time, urllib.request
assert socket.gethostbyname('uai-demo.ufile.devcluster.test') == '10.90.0.2'
trust = ssl.create_default_context(cafile='/var/run/secrets/kubernetes.io/serviceaccount/ca.crt')
assert urllib.request.urlopen('https://kubernetes.default/readyz', context=trust).read() == b'ok'
deadline = time.monotonic() + 60
while True:
    try:
        assert urllib.request.urlopen('http://server:8080/', timeout=2).status == 200
        break
    except OSError:
        assert time.monotonic() < deadline, 'the Service does not answer'
try:
    socket.gethostbyname('absent.example.com')
except socket.gaierror:
    print('all as expected')
"""


@pytest.fixture(scope="module")
def image(cluster):
    """The base image by its digest in the cluster's registry."""
    return catalog.push_all(catalog.build_all([]))["base"]


@pytest.fixture
def namespace(cluster):
    """A namespace that enforces Pod Security baseline and has a pull Secret."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "uhub", "namespace": name},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(credentials.docker_config_text().encode()).decode()},
    }
    apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    apply(secret)
    yield name
    devcluster.kubectl("delete", "namespace", name, "--wait=false")


def apply(document):
    argv = [settings.STATE / "bin" / "kubectl", f"--kubeconfig={devcluster.KUBECONFIG}", "apply", "--filename=-"]
    subprocess.run(argv, input=json.dumps(document), capture_output=True, text=True, check=True)


def pod(namespace, name, image, program, *, pull=True):
    container = {"name": "main", "image": image, "command": ["python3", "-c", program]}
    spec = {"restartPolicy": "Never", "containers": [container]} | (
        {"imagePullSecrets": [{"name": "uhub"}]} if pull else {}
    )
    labels = {"app": name}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
    }


def wait(namespace, name, expected):
    """Waits until the words are in the pod's status; returns the status as text."""
    deadline = time.monotonic() + DEADLINE
    while expected not in (text := devcluster.kubectl("-n", namespace, "get", "pod", name, "-o", "json")):
        assert time.monotonic() < deadline, f"{name} has no {expected}: {text}"
    return json.loads(text)


def test_a_pod_reaches_services_the_api_and_the_stand_ins_by_name(namespace, image):
    apply(pod(namespace, "server", image, SERVER))
    ports = [{"port": 8080}]
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "server", "namespace": namespace}}
    apply(service | {"spec": {"selector": {"app": "server"}, "ports": ports}})
    apply(pod(namespace, "client", image, CLIENT))
    wait(namespace, "client", '"phase": "Succeeded"')
    assert devcluster.kubectl("-n", namespace, "logs", "client") == "all as expected\n"


def test_an_image_is_not_pulled_without_the_password(namespace, image):
    document = pod(namespace, "stranger", image, "pass", pull=False)
    document["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    apply(document)
    wait(namespace, "stranger", "401 Unauthorized")


def test_pod_security_refuses_a_privileged_pod(namespace, image):
    document = pod(namespace, "privileged", image, "pass")
    document["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(subprocess.CalledProcessError) as refused:
        apply(document)
    assert 'violates PodSecurity "baseline' in refused.value.stderr


def test_the_hosts_programs_reach_the_clusters_names():
    asked = inside.run_inside(
        ["getent", "hosts", "kubernetes.default", settings.REGISTRY_HOST, "any.ufile.devcluster.test"]
    )
    assert [line.split()[0] for line in asked.splitlines()] == ["10.96.0.1", "10.90.0.2", "10.90.0.2"]


def test_a_program_inside_keeps_its_directory_and_its_exit_code(cluster, tmp_path):
    assert inside.run_inside(["pwd"], cwd=tmp_path).strip() == str(tmp_path)
    with pytest.raises(CommandError, match="code 7"):
        inside.run_inside([sys.executable, "-c", "raise SystemExit(7)"])


def test_an_existing_image_is_neither_built_nor_pushed_again(image, capfd):
    assert catalog.push_all(catalog.build_all([]))["base"] == image
    assert "Pushing" not in capfd.readouterr().err


def test_requests_are_in_the_audit_log(namespace):
    lines = (settings.STATE / "log" / "audit.log").read_text().splitlines()
    assert any(json.loads(line)["objectRef"].get("name") == namespace for line in lines if namespace in line)
