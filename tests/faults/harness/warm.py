"""Runs operators as forks of a process that has imported their modules.

Imports take most of the CPU time of an operator's short life here, and there are thousands of processes. In every other
respect a fork is a separate process: memory, connections, log, end.
"""

import contextlib
import ctypes
import functools
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

PR_SET_PDEATHSIG = 1
REQUEST = 1 << 17
REPOSITORY = Path(__file__).parents[3]


class Forked:
    """A running fork. It is not our child, so its exit code is unknown."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def send_signal(self, number: int) -> None:
        """Sends a signal. Does nothing after the end of the fork."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._handle, number)

    def wait(self) -> None:
        """Waits for its end."""
        select.select([self._handle], [], [])

    def __del__(self) -> None:
        os.close(self._handle)


class Nursery:
    """The process that forks. It ends with this process, and its forks end with it."""

    def __init__(self, modules: Sequence[str]) -> None:
        self._lock = threading.Lock()
        self._line, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with other:
            subprocess.Popen(
                [sys.executable, "-m", "tests.faults.harness.warm", str(other.fileno()), *modules],
                pass_fds=[other.fileno()],
                cwd=REPOSITORY,
            ).returncode = 0  # it ends when the pipe closes, at the latest when we end

    def __call__(self, argv: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Forked:
        """Runs `python ARGV[1:]`; ARGV[0] is this interpreter."""
        request = json.dumps({"argv": [*argv[1:]], "environment": dict(environment)}).encode()
        with self._lock:
            socket.send_fds(self._line, [request], [log.fileno()])
            return Forked(int(self._line.recv(REQUEST)))


@functools.cache
def nursery(modules: Sequence[str]) -> Nursery:
    """The forking process with these modules imported."""
    return Nursery(modules)


def main() -> None:
    """Serves one client until it closes the pipe. Arguments: the file descriptor of the pipe, modules to import."""
    descriptor, *modules = sys.argv[1:]
    for module in modules:
        importlib.import_module(module)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing here waits for the forks
    with socket.socket(fileno=int(descriptor)) as client:
        while True:
            data, logs, _, _ = socket.recv_fds(client, REQUEST, 1)
            if not data:
                return
            pid = os.fork()
            if not pid:
                client.close()
                _become(json.loads(data), logs[0])
            os.close(logs[0])
            client.send(str(pid).encode())


def _become(wanted: dict[str, Any], log: int) -> None:
    """Runs the program as from the command line. Never returns."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.environ.clear()
    os.environ.update(wanted["environment"])
    for module in [*sys.modules.values()]:  # the Kubernetes client reads it during its import
        if "KUBE_CONFIG_DEFAULT_LOCATION" in vars(module):
            vars(module)["KUBE_CONFIG_DEFAULT_LOCATION"] = os.environ["KUBECONFIG"]
    code: object = 0
    try:
        _run(wanted["argv"])
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - what the interpreter does with it at the end of a program
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _run(argv: list[str]) -> None:
    module = argv[0] == "-m"
    sys.argv = argv[1:] if module else argv
    if module:
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__main__":
    main()
