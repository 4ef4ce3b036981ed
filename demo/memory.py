"""Peak memory of every container, read from the kernel's cgroups while the pipeline runs."""

import re
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from demo import kubectl
from devcluster import cgroups, settings

PERIOD = 0.1
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_V1, _V2 = "memory.max_usage_in_bytes", "memory.peak"


class Sampler:
    """Reads the kernel's own high-water mark of each container's cgroup until it is left.

    The mark counts page cache too, as the memory limit does. A container that lives less than the period may be
    missed.
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

    def of_stage(self, namespace: str, stage: str) -> dict[str, int]:
        """Container -> bytes, of the pods of a stage's Jobs; empty when none ran."""
        selector = f"uai.ucloud.cn/stage={stage}"
        found: dict[str, int] = {}
        for pod in kubectl.get("-n", namespace, "pods", "-l", selector)["items"]:
            status = pod["status"]
            for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
                peak = self._peaks.get(container.get("containerID", "").rpartition("/")[2], 0)
                if peak:
                    found[container["name"]] = max(peak, found.get(container["name"], 0))
        return found

    def _run(self) -> None:
        root = next(h for h in cgroups.hierarchies() if h.name == "memory" or (h / "cgroup.controllers").exists())
        while not self._stop.wait(PERIOD):
            for path in (root / settings.cgroup_name()).rglob("*"):
                if _CONTAINER.fullmatch(path.name):
                    self._sample(path)

    def _sample(self, path: Path) -> None:
        for name in (_V1, _V2):
            try:
                value = int((path / name).read_text())
            except (OSError, ValueError):  # gone meanwhile, or the other version's name
                continue
            self._peaks[path.name] = max(value, self._peaks.get(path.name, 0))
