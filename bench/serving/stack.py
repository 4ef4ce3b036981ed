"""The servers that `bench.serving` measures: each kind of server on each runtime, with the trained detector."""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from devcluster import settings
from devcluster.fixture import fixture
from devcluster.lib import ports

EXAMPLE = settings.REPOSITORY / "examples" / "object-detect"
RUNTIMES = ("tensorflow", "onnx")
KINDS = ("ours", "plain")
STARTED_WITHIN = 180  # seconds


@dataclass(frozen=True)
class Server:
    """A running server."""

    kind: str
    runtime: str
    url: str
    pid: int
    """The PID of gunicorn's arbiter, whose child serves."""

    def cpu_seconds(self) -> float:
        """The CPU time of the serving processes, from the kernel's accounting."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        after_name = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in children]
        return sum(int(fields[11]) + int(fields[12]) for fields in after_name) / os.sysconf("SC_CLK_TCK")


def exported(work: Path) -> dict[str, Path]:
    """Runtime -> the example's code with a `checkpoint_dir` that makes it choose that runtime."""
    import tensorflow as tf  # noqa: PLC0415 - seconds, which `--help` need not wait for
    import tf2onnx  # noqa: PLC0415 - as above

    from detector import INPUT, OUTPUTS  # noqa: PLC0415 - the example's code lies on a path of its own
    from inference_image_export.exporting import export  # noqa: PLC0415 - as above
    from inference_image_export.fetch import Source  # noqa: PLC0415 - as above

    trained = fixture()
    prefix = trained.directory / f"model.ckpt-{trained.step}"
    source = Source(prefix, prefix.name, trained.directory / "pipeline.config", "pipeline.config", ())
    graph = export(source, "image_tensor", work / "export").graph
    definition = tf.compat.v1.GraphDef.FromString(graph.read_bytes())
    model, _ = tf2onnx.convert.from_graph_def(
        definition, input_names=[f"{INPUT}:0"], output_names=[f"{name}:0" for name in OUTPUTS], opset=17
    )
    directories = {}
    for runtime in RUNTIMES:
        directories[runtime] = work / runtime
        shutil.copytree(EXAMPLE / "code", directories[runtime])
        shutil.copy(EXAMPLE / "object-detect.conf", directories[runtime] / "conf.json")
        target = directories[runtime] / "checkpoint_dir"
        target.mkdir()
        shutil.copy(trained.label_map, target)
        if runtime == "onnx":
            (target / "model.onnx").write_bytes(model.SerializeToString())
        else:
            shutil.copy(graph, target)
    return directories


@contextmanager
def servers(directories: dict[str, Path]) -> Iterator[list[Server]]:
    """Every kind of server on every runtime, started together; the others are idle while one is measured."""
    with ExitStack() as stack:
        started = [stack.enter_context(_server(kind, name, directories[name])) for name in RUNTIMES for kind in KINDS]
        for server in started:
            _wait_until_ready(server)
        yield started


@contextmanager
def _server(kind: str, runtime: str, directory: Path) -> Iterator[Server]:
    bind = f"127.0.0.1:{ports.reserve(1)[0]}"
    if kind == "ours":
        argv = [sys.executable, "-m", "inference_server", "--bind", bind]
    else:
        argv = [sys.executable, "-m", "bench.serving.plain_server", str(directory / "checkpoint_dir"), bind]
    path = [settings.REPOSITORY, EXAMPLE / "server", EXAMPLE / "code"]
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, path)),
        "UAI_SERVICE_CONFIG": str(directory / "conf.json"),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    with (directory / f"{kind}.log").open("w") as log:
        process = subprocess.Popen(argv, env=environment, stdout=log, stderr=log)
        try:
            yield Server(kind, runtime, f"http://{bind}", process.pid)
        finally:
            process.terminate()
            process.wait(60)


def _wait_until_ready(server: Server) -> None:
    deadline = time.monotonic() + STARTED_WITHIN
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{server.url}/initialized", timeout=5) as answer:  # noqa: S310 - loopback
                if answer.read() == b"YES":
                    return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(f"{server.kind} on {server.runtime} did not start within {STARTED_WITHIN} s")


def detections(server: Server, picture: bytes) -> list[dict[str, object]]:
    """One answer."""
    request = urllib.request.Request(f"{server.url}/service", picture)  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - loopback
        found: list[dict[str, object]] = json.loads(answer.read())["detections"]
        return found
