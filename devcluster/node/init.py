"""The first process of the node: sets up its namespaces, then keeps its components running."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from devcluster import settings
from devcluster.node import namespaces
from devcluster.node.components import PKI, Component, components

TICK = 0.1
RESTART_DELAY = 1.0
READYZ = f"https://127.0.0.1:{settings.API_PORT}/readyz"
STATUS = Path("node") / "status.json"


@dataclass
class Running:
    """The state of a component."""

    component: Component
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    next_start: float = 0.0
    done: bool = False
    last_code: int | None = None


class Node:
    """Starts components, reaps every process that ends, and restarts the components."""

    def __init__(self, parts: list[Component], inherited: int) -> None:
        self._parts = [Running(part) for part in parts]
        self._inherited = inherited
        self._api_ready = False
        self._status = ""

    def keep_running(self) -> None:
        """Runs the components; never returns. The node ends when this process is killed."""
        while True:
            self.tick()
            time.sleep(TICK)

    def tick(self) -> None:
        """Reaps ended processes once and starts the components that are due."""
        self._reap()
        self._api_ready = self._api_ready or api_is_ready()
        for part in self._parts:
            if self._is_due(part):
                self._start(part)
        self._tell()

    def _is_due(self, part: Running) -> bool:
        waits_for_api = part.component.needs_api and not self._api_ready
        return part.process is None and not part.done and not waits_for_api and time.monotonic() >= part.next_start

    def _start(self, part: Running) -> None:
        part.starts += 1
        with (settings.NODE_STATE / "log" / f"{part.component.name}.log").open("ab") as log:
            part.process = subprocess.Popen(
                part.component.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(self._inherited,) if str(self._inherited) in part.component.argv else (),
                start_new_session=True,
            )

    def _reap(self) -> None:
        """Reaps every process that ended: components and their orphans."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                for part in self._parts:
                    if part.process is not None and part.process.pid == pid:
                        self._ended(part, os.waitstatus_to_exitcode(status))

    def _ended(self, part: Running, code: int) -> None:
        if part.process is not None:
            part.process.returncode = code  # reaped here, so Popen must not wait for it
        part.process, part.last_code = None, code
        part.done = part.component.once and code == 0
        part.next_start = time.monotonic() + RESTART_DELAY

    def _tell(self) -> None:
        status = json.dumps(
            {
                part.component.name: {
                    "running": part.process is not None,
                    "done": part.done,
                    "starts": part.starts,
                    "lastCode": part.last_code,
                }
                for part in self._parts
            }
        )
        if status != self._status:
            temporary = settings.NODE_STATE / f"{STATUS}.new"
            temporary.write_text(status)
            temporary.rename(settings.NODE_STATE / STATUS)
            self._status = status


def api_is_ready() -> bool:
    """Whether the API server reports that it is ready."""
    trust = ssl.create_default_context(cafile=f"{PKI}/ca.crt")
    try:
        with urllib.request.urlopen(READYZ, timeout=2, context=trust):
            return True
    except OSError:  # urllib's HTTP errors among them
        return False


def main() -> None:
    """Argument: the JSON document that `cluster.start` wrote."""
    start = json.loads(sys.argv[1])
    # The first process of a PID namespace ignores signals without a handler: only SIGKILL from outside ends the node.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    namespaces.enter({name: Path(path) for name, path in start["binaries"].items()})
    parts = components(start["cgroupRoot"], start["socket"], start["port"], network_policies=start["networkPolicies"])
    Node(parts, start["socket"]).keep_running()


if __name__ == "__main__":
    main()
