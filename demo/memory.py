"""Peak memory of every container, read from its cgroup while the pipeline runs."""

import json
import os
import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from demo import kubectl
from devcluster import settings
from devcluster.node import cgroups

PERIOD = 0.1
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_V1, _V2 = "memory.max_usage_in_bytes", "memory.peak"


class Sampler:
    """Reads the peak memory of each container's cgroup until exit.

    The peak includes page cache, as the memory limit does. It may miss a container that lives less than one period.
    """

    def __init__(self) -> None:
        self._peaks: dict[str, int] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def of(self, container_id: str) -> int:
        """Peak bytes, 0 for an unseen container."""
        return self._peaks.get(container_id.rpartition("/")[2], 0)

    def _run(self) -> None:
        root = next(h for h in cgroups.hierarchies() if h.name == "memory" or (h / "cgroup.controllers").exists())
        while not self._stop.wait(PERIOD):
            for folder, names, _ in os.walk(root / settings.cgroup_name()):  # skips cgroups that disappear meanwhile
                for name in names:
                    if _CONTAINER.fullmatch(name):
                        self._sample(Path(folder, name))

    def _sample(self, path: Path) -> None:
        for name in (_V1, _V2):
            try:
                value = int((path / name).read_text())
            except (OSError, ValueError):  # gone meanwhile, or the file of the other cgroup version
                continue
            self._peaks[path.name] = max(value, self._peaks.get(path.name, 0))


def of_stage(namespace: str, stage: str, peaks: Sampler) -> dict[str, dict[str, int]]:
    """Container -> its peak in bytes, for the pods of a stage's Jobs.

    `resident` is the resident set that the process reported (Kaniko and the image report none), `cgroup` what the
    kernel charged to the container while this sampler ran.
    """
    found: dict[str, dict[str, int]] = {}
    for pod in kubectl.get("-n", namespace, "pods", "-l", f"uai.ucloud.cn/stage={stage}")["items"]:
        status = pod["status"]
        for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
            known = {"resident": _reported(container), "cgroup": peaks.of(container.get("containerID", ""))}
            found[container["name"]] = {kind: value for kind, value in known.items() if value}
    return found


def _reported(container: kubectl.Object) -> int:
    message = container.get("state", {}).get("terminated", {}).get("message", "")
    try:
        return int(json.loads(message).get("peakMemoryBytes", 0))
    except (ValueError, AttributeError):
        return 0
