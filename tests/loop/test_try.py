"""`try` through a real API server and its proxy. The test plays the kubelet; the image is the example's server."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Thread
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from PIL import Image

from inference_server.app import create_app
from inference_server.config import Batching
from inference_server.service import Service
from kubectl_inferenceimage.__main__ import main
from tests.loop.pipeline import Pipeline

FOUND = {"detections": [{"class": "circle", "id": 1, "score": 0.9, "box": [0.1, 0.1, 0.5, 0.5]}]}


class Model:
    def load_model(self) -> None:
        pass

    def execute(self, data: Sequence[bytes], batch_size: int) -> Sequence[object]:
        assert batch_size == len(data)
        return [FOUND | {"bytes": len(body)} for body in data]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


def own_address() -> str:
    """An address of this machine that is not on loopback, to which the API server's proxy refuses to connect."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as found:
        found.connect(("192.0.2.1", 9))  # sends nothing
        return found.getsockname()[0]


@pytest.fixture
def image() -> Iterator[tuple[str, int]]:
    """The address of the running image."""
    failures: list[BaseException] = []
    service = Service(Model, failures.append, Batching())
    service.start()
    with make_server(own_address(), 0, create_app(service), handler_class=Quiet) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_address[0], server.server_port
        server.shutdown()
        thread.join()
    assert failures == []


def test_the_published_image_gets_pictures(plane, api, pipeline: Pipeline, image, tmp_path: Path) -> None:
    address, port = image
    pipeline.spec["test"] = {"port": port}
    pipeline.apply()
    pipeline.run_whole()
    picture = tmp_path / "a.png"
    Image.new("RGB", (100, 100), "white").save(picture)
    where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig), "--output", str(tmp_path))
    command = [sys.executable, "-m", "kubectl_inferenceimage", "try", pipeline.name, str(picture), *where]
    pods = f"/api/v1/namespaces/{pipeline.namespace}/pods"

    def tried() -> list[dict]:
        return api.get(f"{pods}?labelSelector=uai.ucloud.cn/trial")["items"]

    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as trying:
        (pod,) = pipeline.until("the pod is there", tried)
        assert pod["spec"]["containers"][0]["image"] == pipeline.image["status"]["image"]["reference"]
        status = {"phase": "Running", "podIP": address, "podIPs": [{"ip": address}]}
        api.merge(f"{pods}/{pod['metadata']['name']}/status", {"status": status})
        out, err = trying.communicate(timeout=60)
    assert trying.returncode == 0, err
    assert out.splitlines()[1].split()[1:3] == ["circle", "0.90"], json.dumps([out, err])
    assert (tmp_path / "a.boxes.png").exists()
    assert tried() == []


def test_a_namespace_that_refuses_the_pod_says_why(plane, api, pipeline: Pipeline, tmp_path: Path, capsys) -> None:
    pipeline.apply()
    pipeline.run_whole()
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.merge(f"/api/v1/namespaces/{pipeline.namespace}", {"metadata": {"labels": labels}})
    picture = tmp_path / "a.png"
    picture.write_bytes(b"picture")
    where = ["-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig)]
    assert main(["try", pipeline.name, str(picture), *where]) == 1
    assert 'violates PodSecurity "restricted:latest"' in capsys.readouterr().err
