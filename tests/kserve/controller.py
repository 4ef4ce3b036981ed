"""KServe as a process, with its CRDs, its configuration and its webhooks, all from its Go module."""

import base64
import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import yaml

from devcluster import binaries
from devcluster.certs import pki
from devcluster.controlplane import ControlPlane, Program
from devcluster.lib import ports
from tests.loop.api import Api, Object, wait_for
from tests.loop.kserve import FULL, MODULE, KServe

NAMESPACE = "kserve"
CRDS = {
    "inferenceservices": "v1beta1",
    "servingruntimes": "v1alpha1",
    "clusterservingruntimes": "v1alpha1",
    "trainedmodels": "v1alpha1",
    "inferencegraphs": "v1alpha1",
    "clusterstoragecontainers": "v1alpha1",
    "localmodelcaches": "v1alpha1",
    "localmodelnodegroups": "v1alpha1",
    "localmodelnodes": "v1alpha1",
}
"""Plurals, each with a version. The controller watches most of them."""
OVERRIDES = {
    "deploy": {"defaultDeploymentMode": "Standard"},
    "ingress": {
        "ingressGateway": "none/none",
        "ingressDomain": "example.com",
        "disableIstioVirtualHost": True,
        "disableIngressCreation": True,
    },
}
"""Deployments in place of Knative Services, and no way in from outside."""
_KINDS = {
    "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
    "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
}
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"


class Controller:
    """The process, on loopback, with the administrator's rights."""

    def __init__(self, plane: ControlPlane, api: Api, directory: Path) -> None:
        self._api = api
        self._source = binaries.module("kserve", MODULE) / "config"
        (self._webhooks,) = ports.reserve(1)
        self._authority = pki.Authority(directory)
        self._certificates(directory / "k8s-webhook-server" / "serving-certs")
        program = binaries.ensure(binaries.KSERVE)["kserve-manager"]
        environment = (f"KUBECONFIG={plane.kubeconfig}", f"POD_NAMESPACE={NAMESPACE}", f"TMPDIR={directory}")
        flags = (f"--webhook-port={self._webhooks}", "--health-probe-addr=0", "--metrics-addr=0")
        self._program = Program(["env", *environment, str(program), *flags], directory / "kserve.log")

    def install(self) -> None:
        """CRDs and configuration; the webhooks follow when something answers them."""
        KServe(self._api).define(FULL, CRDS)
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        self._api.request("POST", "/api/v1/namespaces", namespace)
        config = yaml.safe_load((self._source / "configmap" / "inferenceservice.yaml").read_text())
        config["metadata"] = {"name": config["metadata"]["name"]}
        config["data"] |= {key: json.dumps(value) for key, value in OVERRIDES.items()}
        self._api.request("POST", f"/api/v1/namespaces/{NAMESPACE}/configmaps", config)

    def start(self) -> None:
        """Returns once the webhooks answer."""
        self._program.start()
        wait_for("KServe's webhooks answer", self._answers, self.explain)
        for found in self._configurations():
            self._api.request("POST", f"{_ADMISSION}/{_KINDS[found['kind']]}", found)

    def stop(self) -> None:
        self._program.stop()

    def explain(self) -> str:
        """The end of its log."""
        return self._program.log.read_text()[-8000:]

    def _answers(self) -> bool:
        assert self._program.running, self.explain()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._webhooks)):
            return True
        return False

    def _certificates(self, folder: Path) -> None:
        """Where the webhook server of controller-runtime looks for them."""
        folder.mkdir(parents=True)
        certificate, key = self._authority.issue("webhooks", "kserve-webhooks", ips=["127.0.0.1"])
        (folder / "tls.crt").write_bytes(certificate.read_bytes())
        pki.write_private(folder / "tls.key", key.read_bytes())

    def _configurations(self) -> Iterator[Object]:
        """Its webhooks, at an address on loopback in place of a Service."""
        text = (self._source / "webhook" / "manifests.yaml").read_text()
        bundle = base64.b64encode(self._authority.certificate_path.read_bytes()).decode()
        for found in yaml.safe_load_all(text):
            for webhook in found["webhooks"]:
                path = webhook["clientConfig"].pop("service")["path"]
                webhook["clientConfig"] = {"url": f"https://127.0.0.1:{self._webhooks}{path}", "caBundle": bundle}
            yield found
