"""An operator as a real process, with restarts like those of a container."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Protocol

FIRST_PAUSE = float(os.environ.get("RESTART_PAUSE", "1"))
"""Seconds before the second restart. The first is immediate, and each later pause doubles. The kubelet uses 10."""
LONGEST_PAUSE = 30 * FIRST_PAUSE


class Life(Protocol):
    """One process, from its start to its end."""

    pid: int

    def send_signal(self, number: int) -> None:
        """Sends a signal. Does nothing after the end of the process."""

    def wait(self) -> object:
        """Waits for its end."""


Launch = Callable[[Sequence[str], Mapping[str, str], IO[bytes]], Life]
"""Starts a program with this environment. The file receives its output."""


def cold(argv: Sequence[str], environment: Mapping[str, str], log: IO[bytes]) -> Life:
    """Starts a new interpreter, as a container does."""
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "KILL", "--", *argv],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
    )


class Process:
    """An operator that is restarted after every end until it is stopped."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], log: Path, launch: Launch = cold) -> None:
        self._launch = launch
        self._argv = [*argv]
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: Life | None = None
        self._lock = threading.Lock()
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self.starts = 0
        self.since = 0.0
        """Time of the last start, on the monotonic clock."""

    def start(self) -> "Process":
        """Starts it, and restarts it after every end."""
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, name="restarter", daemon=True)
        self._thread.start()
        return self

    def kill(self) -> None:
        """Kills it with SIGKILL, as a power failure does. It is restarted."""
        with self._lock:
            if self._process is not None:
                self._process.send_signal(signal.SIGKILL)

    def freeze(self) -> None:
        """Pauses it with SIGSTOP, so that it acts on outdated data when it continues."""
        with self._lock:
            if self._process is not None:
                self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Continues a paused process."""
        with self._lock:
            if self._process is not None:
                self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Stops it without a restart. Does nothing if it does not run."""
        self._stopped.set()
        self.kill()
        if self._thread is not None:
            self._thread.join(30)

    @property
    def pid(self) -> int:
        """The process ID."""
        if self._process is None:
            raise AssertionError("it was never started")
        return self._process.pid

    @property
    def log(self) -> str:
        """The output of all its processes."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def memory(self) -> int:
        """Resident memory in bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) << 10 for line in status.splitlines() if line.startswith("VmRSS"))

    def _run(self) -> None:
        pause = 0.0
        while not self._stopped.wait(pause):
            with self._lock, self._log.open("ab") as log:
                self._process = self._launch(self._argv, self._environment, log)
                self.starts += 1
                self.since = time.monotonic()
            if self._stopped.is_set():
                self.kill()
            self._process.wait()
            pause = min(LONGEST_PAUSE, max(FIRST_PAUSE, 2 * pause)) if self.starts > 1 else 0.0
