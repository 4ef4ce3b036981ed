"""`logs -f` through a real API server, which asks a kubelet that the test plays."""

import ssl
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

import pytest

from devcluster.certs import pki
from inference_image_operator.api.stages import Stage
from tests.loop.api import container_status
from tests.loop.pipeline import Pipeline

STAMP = "2026-01-31T09:30:01.{:09}Z"


class Kubelet:
    """Serves logs as they are written: `lines` are sent when they come, None is the end."""

    def __init__(self) -> None:
        self.lines: SimpleQueue[str | None] = SimpleQueue()
        self.asked: list[str] = []
        self.port = 0


@pytest.fixture
def kubelet(tmp_path: Path) -> Iterator[Kubelet]:
    found = Kubelet()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for number, line in enumerate(iter(found.lines.get, None)):
                text = f"{STAMP.format(number)} {line}\n".encode()
                self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            """Quiet."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pki.Authority(tmp_path / "pki").issue("kubelet", "kubelet", ips=["127.0.0.1"]))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = True
    found.port = server.server_port
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.socket.close()


def run_on(api, kubelet: Kubelet, pod: dict) -> None:
    """The pod runs on a node of this kubelet."""
    meta = pod["metadata"]
    path, node = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}", f"node-{meta['namespace']}"
    api.request("POST", "/api/v1/nodes", {"apiVersion": "v1", "kind": "Node", "metadata": {"name": node}})
    addresses = [{"type": "InternalIP", "address": "127.0.0.1"}]
    status = {"addresses": addresses, "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}}}
    api.merge(f"/api/v1/nodes/{node}/status", {"status": status})
    target = {"apiVersion": "v1", "kind": "Node", "name": node}
    body = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]}, "target": target}
    api.request("POST", f"{path}/binding", body)
    running = [container_status(one["name"], {"running": {}}, ready=True) for one in pod["spec"]["containers"]]
    api.merge(f"{path}/status", {"status": {"phase": "Running", "containerStatuses": running}})


def test_logs_are_followed_until_the_pod_ends(plane, api, pipeline: Pipeline, kubelet: Kubelet, tmp_path: Path) -> None:
    pipeline.apply()
    job = pipeline.claimed(Stage.RESOLVE)
    run_on(api, kubelet, pipeline.pod(job))
    where = ("-n", pipeline.namespace, "--kubeconfig", str(plane.kubeconfig))
    command = [sys.executable, "-m", "kubectl_inferenceimage", "logs", pipeline.name, "-f", *where]
    said = tmp_path / "said"
    with said.open("w") as file, subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT) as following:
        for line in ("pinned 3 files", "wrote the input lock"):
            kubelet.lines.put(line)
            pipeline.until(f"the line is printed: {line}", lambda line=line: line in said.read_text())
        pipeline.finish(Stage.RESOLVE)
        kubelet.lines.put(None)  # the container ended
        kubelet.lines.put(None)  # and the connection after that has nothing more
        assert following.wait(timeout=60) == 0, said.read_text()
    assert said.read_text() == "pinned 3 files\nwrote the input lock\n"
    assert "follow=true" in kubelet.asked[0]
    assert "tailLines=200" in kubelet.asked[0]
