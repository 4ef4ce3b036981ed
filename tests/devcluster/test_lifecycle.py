"""Start and stop are idempotent and work after any end of an earlier run."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

from devcluster import settings

DEADLINE = 120.0
NOT_RUNNING = "The development cluster is not running"
TUNABLES = ("vm/overcommit_memory", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys")


def kill_and_wait(pid):
    descriptor = os.pidfd_open(pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    assert select.select([descriptor], [], [], DEADLINE)[0], f"process {pid} did not end"
    os.close(descriptor)


def node_of(supervisor):
    return int(Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()[0])


def machine():
    """The parts of the machine that a cluster must not change: sysctls, links and mounts."""
    tunables = {name: Path("/proc/sys", name).read_text() for name in TUNABLES}
    links = subprocess.run(["ip", "-brief", "link"], capture_output=True, text=True, check=True).stdout
    mounts = {line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()}
    return tunables, links, mounts


def test_a_second_start_changes_nothing(clone):
    clone.command("up")
    first = clone.record()
    clone.command("up")
    assert clone.record() == first


def test_the_machine_is_unchanged(clone):
    before = machine()
    clone.command("up")
    assert machine() == before
    clone.command("down")
    assert machine() == before
    assert NOT_RUNNING in clone.command("status")


def test_it_starts_again_after_its_supervisor_was_killed(clone):
    clone.command("up")
    supervisor = clone.record()["pid"]
    node = os.pidfd_open(node_of(supervisor))
    kill_and_wait(supervisor)
    assert select.select([node], [], [], DEADLINE)[0], "the node outlived its supervisor"
    os.close(node)
    assert NOT_RUNNING in clone.command("status")
    clone.command("up")
    assert clone.record()["pid"] != supervisor


def test_it_starts_again_after_its_node_was_killed(clone):
    clone.command("up")
    supervisor = clone.record()["pid"]
    ended = os.pidfd_open(supervisor)
    kill_and_wait(node_of(supervisor))
    assert select.select([ended], [], [], DEADLINE)[0], "the supervisor outlived its node"
    os.close(ended)
    clone.command("up")
    assert "kubelet                   running" in clone.command("status")


def test_an_interrupted_start_can_be_repeated(clone):
    argv = [sys.executable, "-m", "devcluster", "up"]
    with subprocess.Popen(argv, cwd=clone.directory, stderr=subprocess.PIPE, text=True) as starting:
        record = clone.directory / ".devcluster" / "run" / "supervisor.json"
        while not record.exists():
            assert starting.poll() is None, "the start ended before it could be interrupted"
        starting.kill()
    interrupted = clone.record()["pid"]
    clone.command("up")
    assert clone.record()["pid"] == interrupted


def test_two_clones_run_side_by_side(cluster, clone):
    clone.command("up")
    other = subprocess.run(
        [sys.executable, "-m", "devcluster", "status"],
        cwd=settings.REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "kubelet                   running" in other
    assert "kubelet                   running" in clone.command("status")
