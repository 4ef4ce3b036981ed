"""The operator under the chart's memory limit, asked for its health as the kubelet asks."""

import threading
import time
from os import getpid
from pathlib import Path
from typing import Self

import requests

from devcluster.node import cgroups
from inference_image_operator.api.quantities import quantity
from tests.loop.api import wait_for
from tests.loop.conftest import Operator

ASK = 1.0
"""Seconds between two questions. The kubelet asks every 20, and forgives two failures; here one fails the test."""


class Confined:
    """The operator in a cgroup of its own, as its container would be. What exceeds the limit is killed."""

    def __init__(self, operator: Operator, name: str) -> None:
        self.operator = operator
        self.limit = int(quantity(operator.container["resources"]["limits"]["memory"]))
        self.slowest = 0.0
        """Seconds of the slowest answer."""
        self.failures: list[str] = []
        self._probe = operator.container["livenessProbe"]
        self._name = f"hostile-{name}-{getpid()}"
        self._group = next(path for path in cgroups.hierarchies() if path.name in {"memory", "cgroup"}) / self._name
        self._stop = threading.Event()
        self._peaks: list[int] = []

    def __enter__(self) -> Self:
        cgroups.create(self._name)
        version_2 = self._group / "memory.max"
        limit = version_2 if version_2.exists() else self._group / "memory.limit_in_bytes"
        limit.write_text(str(self.limit))
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        if self.operator.running:
            self.operator.kill()
        cgroups.remove(self._name)

    def _start(self) -> None:
        join = f'echo $$ >{self._group}/cgroup.procs && exec "$@"'
        self.operator.start(["sh", "-c", join, "sh"])
        wait_for("the operator is ready", lambda: self._get("/readyz") == "", lambda: self.operator.log[-4000:])
        self._stop = threading.Event()
        self._asking = threading.Thread(target=self._ask)
        self._asking.start()

    def _end(self) -> None:
        self._stop.set()
        self._asking.join()
        assert self.operator.running, f"the operator ended:\n{self.operator.log[-4000:]}"
        self._peaks.append(self._peak())

    def restart(self) -> None:
        """A new process, as after an upgrade: it reads again all that stands in the cluster."""
        self._end()
        self.operator.stop()
        self._start()

    def _ask(self) -> None:
        while not self._stop.wait(ASK):
            before = time.monotonic()
            if failure := self._get(self._probe["httpGet"]["path"]):
                self.failures.append(failure)
            self.slowest = max(self.slowest, time.monotonic() - before)

    def _get(self, path: str) -> str:
        """Empty if the answer is good and in time; else what is wrong."""
        try:
            answer = requests.get(f"http://127.0.0.1:{self.operator.port}{path}", timeout=self._probe["timeoutSeconds"])
        except requests.RequestException as error:
            return f"{path}: {error}"
        return "" if answer.ok else f"{path}: {answer.status_code}"

    def _peak(self) -> int:
        status = Path(f"/proc/{self.operator.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmHWM:"))

    @property
    def peak(self) -> int:
        """Bytes of memory that a process of this operator has had at most."""
        return max(*self._peaks, self._peak())
