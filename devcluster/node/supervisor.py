"""The one host process that holds the cluster: how to start, identify and kill it."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from devcluster import settings
from devcluster.lib.run import NotReadyError
from devcluster.node import cgroups

RECORD = settings.STATE / "run" / "supervisor.json"
START_TIMEOUT = 30.0
STOP_TIMEOUT = 30.0
TICK = 0.02
UNSHARE = (
    *("unshare", "--pid", "--mount", "--net", "--ipc", "--uts"),
    *("--fork", "--mount-proc", "--kill-child=SIGKILL"),
)


def _start_time(pid: int) -> str:
    """When a process started, in clock ticks since boot; with the PID it identifies the process (proc_pid_stat(5))."""
    text = Path(f"/proc/{pid}/stat").read_text()
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] == "Z" else fields[19]


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def start(arguments: dict[str, object], listener: socket.socket) -> None:
    """Starts the node in new namespaces. They end with it, and with them every process, mount and address.

    The process records itself before it becomes the supervisor, so `process` finds every running supervisor.
    """
    (settings.STATE / "log").mkdir(parents=True, exist_ok=True)
    with (settings.STATE / "log" / "node.log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "devcluster.node.supervisor", json.dumps(arguments)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(listener.fileno(),),
            start_new_session=True,
            cwd=settings.REPOSITORY,
        )
    deadline = time.monotonic() + START_TIMEOUT
    while record().get("pid") != child.pid:
        if child.poll() is not None or time.monotonic() > deadline:
            raise NotReadyError(f"The supervisor did not start: see {settings.STATE / 'log' / 'node.log'}.")
        time.sleep(TICK)
    child.returncode = 0  # it outlives this command by design


def record() -> dict[str, object]:
    """The record of the last start; empty without one."""
    try:
        document = json.loads(RECORD.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return document if isinstance(document, dict) else {}


def process() -> int | None:
    """The PID of the running supervisor, None when no cluster runs."""
    known = record()
    pid = known.get("pid")
    if not isinstance(pid, int) or known.get("boot") != _boot():
        return None
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        if _start_time(pid) == known.get("started"):
            return pid
    return None


def node_process() -> int | None:
    """The host PID of the node's first process; None when no cluster runs."""
    pid = process()
    if pid is None:
        return None
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return int(children[0]) if children else None
    return None


def stop() -> bool:
    """Kills the cluster and waits until its last process is gone. Returns False when no cluster runs."""
    pid, node = process(), node_process()
    if pid is None:
        return False
    waiting = [os.pidfd_open(one) for one in (pid, node) if one is not None]
    try:
        signal.pidfd_send_signal(waiting[-1], signal.SIGKILL)
        signal.pidfd_send_signal(waiting[0], signal.SIGKILL)
        for descriptor in waiting:
            if not select.select([descriptor], [], [], STOP_TIMEOUT)[0]:
                raise NotReadyError(f"The cluster's process {pid} still runs {STOP_TIMEOUT:.0f} s after SIGKILL.")
    finally:
        for descriptor in waiting:
            os.close(descriptor)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, 0)
    RECORD.unlink(missing_ok=True)
    return True


def main() -> None:
    """Records this process, joins the node's cgroup, then becomes the supervisor.

    Argument: the JSON document for the node.
    """
    arguments = json.loads(sys.argv[1])
    pid = os.getpid()
    document = {"pid": pid, "started": _start_time(pid), "boot": _boot(), **arguments}
    RECORD.parent.mkdir(parents=True, exist_ok=True)
    temporary = RECORD.with_suffix(".new")
    temporary.write_text(json.dumps(document, indent=2))
    temporary.rename(RECORD)
    cgroups.join(settings.cgroup_name())
    os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, "-m", "devcluster.node.init", sys.argv[1]])  # noqa: S606 - no shell needed


if __name__ == "__main__":
    main()
