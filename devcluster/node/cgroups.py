"""Two cgroups of this cluster, one of its pods and one of its node, in cgroup v1 or v2."""

import contextlib
import os
import time
from pathlib import Path

from devcluster.lib.run import NotReadyError

ROOT = Path("/sys/fs/cgroup")
REMOVE_TIMEOUT = 10.0
TICK = 0.1
V2_CONTROLLERS = ("cpuset", "cpu", "io", "memory", "hugetlb", "pids")
WEIGHTS = {"cpu.shares": 1024, "cpu.weight": 100}
"""File of a cgroup, of v1 and v2 -> the weight of a thread beside it."""
POD_THREADS = 6
"""As many runnable threads of the machine outside the cgroup get as much CPU time as all pods together.

To the kernel, a thread in the root cgroup weighs as much as a whole cgroup with the default weight: beside a busy test,
the pods would stand still.
"""
NODE_THREADS = 8
"""The same for the node's own processes, from etcd to the kubelet.

While four pipelines run they use 0.8 of two cores; with this weight they get as much beside busy pods and four threads
of tests. In the root cgroup they wait: beside eight busy pods, 99 of 100 small writes to the API server ended within
264 ms, in a cgroup of their own (of 20 threads) within 34 ms.
"""


def hierarchies() -> list[Path]:
    """The mount points: one for cgroup v2, one per controller for v1."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    mounts = [path for path in ROOT.iterdir() if not path.is_symlink()]  # symbolic links repeat the same controllers
    return sorted(path for path in mounts if (path / "cgroup.procs").exists())


def create(name: str) -> None:
    """Creates the cgroup of pods in every hierarchy; the kubelet does not start without it."""
    for hierarchy in hierarchies():
        if (hierarchy / "cgroup.subtree_control").exists():
            _delegate(hierarchy)
        group = hierarchy / name
        group.mkdir(exist_ok=True)
        _weigh(group, POD_THREADS)


def join(name: str) -> None:
    """Creates the cgroup of the node in every hierarchy, and moves this process into those that share out CPU time."""
    for hierarchy in hierarchies():
        group = hierarchy / _node(name)
        group.mkdir(exist_ok=True)
        if _weigh(group, NODE_THREADS):
            (group / "cgroup.procs").write_text(str(os.getpid()))


def _node(name: str) -> str:
    return f"{name}-node"


def _weigh(group: Path, threads: int) -> bool:
    """Gives the cgroup the weight of that many threads. False when its hierarchy does not share out CPU time."""
    for file, weight in WEIGHTS.items():
        if (group / file).exists():
            (group / file).write_text(str(weight * threads))
            return True
    return False


def _delegate(hierarchy: Path) -> None:
    """Enables the kubelet's controllers for the children of a cgroup v2 root."""
    available = (hierarchy / "cgroup.controllers").read_text().split()
    for controller in V2_CONTROLLERS:
        if controller in available:
            (hierarchy / "cgroup.subtree_control").write_text(f"+{controller}")


def remove(name: str) -> None:
    """Removes both cgroups with all their children. Raises NotReadyError when processes remain in it."""
    deadline = time.monotonic() + REMOVE_TIMEOUT
    places = [hierarchy / each for hierarchy in hierarchies() for each in (name, _node(name))]
    while True:
        for path in places:
            _remove_tree(path)
        left = [path for path in places if path.is_dir()]
        if not left:
            return
        if time.monotonic() > deadline:
            raise NotReadyError(f"The cgroup {left[0]} is still in use after {REMOVE_TIMEOUT:.0f} s.")
        time.sleep(TICK)


def _remove_tree(path: Path) -> None:
    for child in sorted((entry for entry in path.rglob("*") if entry.is_dir()), key=lambda entry: -len(entry.parts)):
        with contextlib.suppress(OSError):  # busy for a moment after its last process ends; the caller retries
            child.rmdir()
    with contextlib.suppress(OSError):
        path.rmdir()
