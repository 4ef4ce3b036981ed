"""The pods of the test: one with the labels of the steps, one with the operator's, a neighbour, and a DNS server."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from demo import install, kubectl
from devcluster import settings, versions
from devcluster.lib.run import run

SYSTEM, TEAM = "policies-system", "policies-team"
"""The namespaces of the operator and of the InferenceImages."""
DNS = "kube-system"
PLACES = {"operator": SYSTEM, "steps": TEAM, "neighbour": TEAM, "dns": DNS}
"""Pod -> namespace."""
HERE = Path(__file__).parent
GOLDEN_JOB = HERE.parent / "unit" / "operator" / "golden" / "build.yaml"

Object = dict[str, Any]


def rendered(policies: Mapping[str, object]) -> list[Object]:
    """The chart's objects with NetworkPolicies; `policies` are values of the chart below `networkPolicy`."""
    wanted = {"networkPolicy": {"enabled": True, **policies}, "watchNamespaces": [TEAM]}
    test_values = install.CHART / "ci" / "test-values.yaml"
    helm = [settings.STATE / "bin" / "helm", "template", install.RELEASE, install.CHART, f"--namespace={SYSTEM}"]
    options = [f"--kube-version={versions.chosen().release}", f"--values={test_values}", "--values=-"]
    return [document for document in yaml.safe_load_all(run([*helm, *options], text=json.dumps(wanted))) if document]


def labels(objects: Sequence[Object]) -> dict[str, dict[str, str]]:
    """Pod -> labels: those that the operator gives to the pods of its Jobs, and those of its Deployment."""
    (deployment,) = [document for document in objects if document["kind"] == "Deployment"]
    job = yaml.safe_load(GOLDEN_JOB.read_text())
    return {
        "operator": deployment["spec"]["template"]["metadata"]["labels"],
        "steps": job["spec"]["template"]["metadata"]["labels"],
        "neighbour": {"app": "neighbour"},
        "dns": {"app": "policies-dns"},
    }


def start(image: str, objects: Sequence[Object]) -> dict[str, str]:
    """Starts the pods and the DNS server's Service; returns the address of each pod, and of the Service as `dns`."""
    kubectl.apply(*(kubectl.namespace(name, "baseline") for name in (SYSTEM, TEAM)))
    kubectl.apply(*(install.pull_secret(name) for name in (SYSTEM, TEAM, DNS)))
    programs = {
        "operator": ("listen.py", "8080", "8081"),
        "steps": ("listen.py", "8080"),
        "neighbour": ("listen.py", "443", "8080"),
        "dns": ("forward_dns.py", settings.NODE_ADDRESS),
    }
    by_pod = labels(objects)
    kubectl.apply(*(_pod(name, image, by_pod[name], programs[name]) for name in PLACES))
    kubectl.apply(_service(by_pod["dns"]))
    for name, place in PLACES.items():
        kubectl.kubectl("wait", "-n", place, f"pod/{name}", "--for=condition=Ready", "--timeout=120s")
    addresses = {name: kubectl.get("-n", place, "pod", name)["status"]["podIP"] for name, place in PLACES.items()}
    return addresses | {"dns": kubectl.get("-n", DNS, "service", "policies-dns")["spec"]["clusterIP"]}


def probe(pod: str, targets: Sequence[tuple[str, str, int]]) -> list[bool]:
    """Which targets (protocol, address, port) a pod reaches."""
    program = (HERE / "probe.py").read_text()
    told = kubectl.kubectl("exec", "-n", PLACES[pod], pod, "--", "python3", "-c", program, json.dumps(targets))
    found: list[bool] = json.loads(told)
    return found


def _pod(name: str, image: str, labels_: Mapping[str, str], program: Sequence[str]) -> Object:
    file, *arguments = program
    container = {"name": "main", "image": image, "command": ["python3", "-c", (HERE / file).read_text(), *arguments]}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": PLACES[name], "labels": dict(labels_)},
        "spec": {
            "containers": [container],
            "imagePullSecrets": [{"name": install.PULL_SECRET}],
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
        },
    }


def _service(selector: Mapping[str, str]) -> Object:
    ports = [{"name": protocol.lower(), "port": 53, "protocol": protocol} for protocol in ("UDP", "TCP")]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "policies-dns", "namespace": DNS},
        "spec": {"selector": dict(selector), "ports": ports},
    }
