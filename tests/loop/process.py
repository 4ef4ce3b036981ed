"""The operator as a process, with the configuration of a chart and the token of its service account."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import requests
import yaml

from devcluster.lib import ports
from tests.loop.api import Object


class Process:
    """One operator process. `sources` are the folders of its packages, for another version than the installed one."""

    port: int

    def __init__(self, directory: Path, sources: Sequence[Path] = ()) -> None:
        self._directory = directory
        self._sources = sources
        self._log = directory / "operator.log"
        self._kubeconfig = directory / "kubeconfig"
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, config_map: Object) -> None:
        """The configuration of the chart's ConfigMap. Its probes get a free port."""
        self.port = ports.reserve(1)[0]
        config = yaml.safe_load(config_map["data"]["config.yaml"]) | {"probes": {"port": self.port}}
        (self._directory / "config.yaml").write_text(yaml.safe_dump(config))

    def connect(self, kubeconfig: Object) -> None:
        self._kubeconfig.write_text(json.dumps(kubeconfig))

    def start(self, wrap: Sequence[str] = (), options: Sequence[str] = ()) -> Self:
        """Starts it with these options, through the program `wrap` if there is one."""
        environment = {**os.environ, "KUBECONFIG": str(self._kubeconfig)}
        if self._sources:
            environment["PYTHONPATH"] = os.pathsep.join(map(str, self._sources))
        program = [sys.executable, "-m", "inference_image_operator", f"--config={self._directory / 'config.yaml'}"]
        with self._log.open("a") as log:
            self._process = subprocess.Popen([*wrap, *program, *options], env=environment, stdout=log, stderr=log)
        return self

    def kill(self) -> None:
        """As a node that loses power would."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """As the kubelet would; returns the exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(30)

    @property
    def metrics(self) -> dict[str, float]:
        """Its samples, by name and labels as Prometheus' text format has them."""
        answer = requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=30)
        answer.raise_for_status()
        lines = (line for line in answer.text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log.read_text()
