"""A mutating webhook on the real API server adds a container that never ends. The test plays the kubelet."""

import base64
import http.server
import json
from collections.abc import Iterator
from typing import Any

import pytest

from devcluster.lib.in_thread import serving
from inference_image_contract import results
from inference_image_contract.reasons import ExitCode
from inference_image_operator.api.stages import Stage
from inference_image_operator.api.steps import MAIN
from tests.loop.api import Object, container_status
from tests.support.registries.tls import Tls, make_tls
from tests.support.world import RESULTS

INJECT = "sidecar.istio.io/inject"
PROXY = {"name": "istio-proxy", "image": "proxy:1", "command": ["sleep", "infinity"]}
CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations"


class Injector(http.server.BaseHTTPRequestHandler):
    """Adds a container to every pod, as a service mesh does, unless a label or an annotation says no."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        answer: dict[str, Any] = {"uid": request["uid"], "allowed": True}
        meta = request["object"]["metadata"]
        if "false" not in (meta.get("labels", {}).get(INJECT), meta.get("annotations", {}).get(INJECT)):
            patch = json.dumps([{"op": "add", "path": "/spec/containers/-", "value": PROXY}])
            answer |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch.encode()).decode()}
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        """Keeps the test output clean."""


@pytest.fixture(scope="session")
def tls(tmp_path_factory) -> Tls:
    return make_tls(tmp_path_factory.mktemp("webhook"), "127.0.0.1")


@pytest.fixture
def injector(api, namespace, tls) -> Iterator[None]:
    """Is asked about the pods of this test's namespace."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Injector)
    server.socket = tls.context().wrap_socket(server.socket, server_side=True)
    name = f"injector-{namespace}"
    webhook = {
        "name": "inject.mesh.test",
        "clientConfig": {
            "url": f"https://127.0.0.1:{server.server_port}/inject",
            "caBundle": base64.b64encode(tls.ca.read_bytes()).decode(),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Fail",
    }
    with serving(server):
        api.apply(
            f"{CONFIGURATIONS}/{name}",
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": "MutatingWebhookConfiguration",
                "metadata": {"name": name},
                "webhooks": [webhook],
            },
        )
        yield
        api.request("DELETE", f"{CONFIGURATIONS}/{name}")


def end_own(api, pod: Object, stage: Stage, code: int, report: bytes) -> None:
    """The kubelet's status when the stage's own container has ended and the other one runs on."""
    own = {"terminated": {"exitCode": code, "message": report.decode(), "finishedAt": "2026-01-31T09:30:00Z"}}
    states = {MAIN[stage]: own, PROXY["name"]: {"running": {}}}
    statuses = [container_status(c["name"], states[c["name"]]) for c in pod["spec"]["containers"]]
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
    api.merge(path, {"status": {"phase": "Running", "containerStatuses": statuses}})


def names(pod: Object) -> list[str]:
    return [container["name"] for container in pod["spec"]["containers"]]


def event_of(pipeline, reason: str) -> str:
    return next((event["message"] for event in pipeline.events if event["reason"] == reason), "")


@pytest.mark.usefixtures("injector")
def test_the_result_of_a_stage_is_taken_while_the_other_container_runs(pipeline, api):
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)
    pod = pipeline.pod(job)
    assert names(pod) == ["resolve", "istio-proxy"]
    end_own(api, pod, Stage.RESOLVE, 0, results.encode(RESULTS[Stage.RESOLVE]))
    pipeline.until("Export is claimed", lambda: pipeline.image["status"].get("stage", {}).get("name") == Stage.EXPORT)
    pipeline.until("the container is named", lambda: "istio-proxy" in event_of(pipeline, "ContainerInjected"))
    following = pipeline.pod(pipeline.claimed(Stage.EXPORT))
    assert names(following) == ["upload", "istio-proxy"]
    assert job["metadata"]["uid"] not in [found["metadata"]["uid"] for found in pipeline.jobs]
    message = next(c["message"] for c in pipeline.image["status"]["conditions"] if c["type"] == "Resolved")
    assert "Container istio-proxy was added to the pod" in message


@pytest.mark.usefixtures("injector")
def test_a_failure_is_told_while_the_other_container_runs(pipeline, api):
    pipeline.apply()
    pod = pipeline.pod(pipeline.claimed(Stage.RESOLVE))
    failed = results.Failed(reason="CheckpointNotFound", message="No checkpoint.", hint="What to do.")
    end_own(api, pod, Stage.RESOLVE, ExitCode.NOT_FOUND, results.encode(failed))
    pipeline.until("the failure is told", lambda: pipeline.image["status"].get("lastFailure"))
    pipeline.until_condition("Stalled", "True", "CheckpointNotFound")
    assert "istio-proxy" in pipeline.image["status"]["lastFailure"]["message"]


@pytest.mark.usefixtures("injector")
@pytest.mark.parametrize("kind", ["labels", "annotations"])
def test_labels_or_annotations_keep_it_out(pipeline, kind):
    pipeline.spec["podMetadata"] = {kind: {INJECT: "false"}}
    pipeline.apply()
    assert names(pipeline.pod(pipeline.claimed(Stage.RESOLVE))) == ["resolve"]
    pipeline.run_whole()
