"""The images on the development cluster's node, through containerd."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from demo import kubectl
from devcluster import settings
from devcluster.lib.run import run
from devcluster.node.supervisor import node_process

_KEPT = f"{settings.IMAGE_PREFIX}/operator"
"""The operator runs meanwhile."""


def forget(*parts: str) -> None:
    """Removes the images of the registry from the node whose names have one of these parts.

    By default all of them, and with them what would make a pull faster: the layers that ended pods keep, and the
    registry's files in memory.
    """
    if not parts:
        kubectl.kubectl("delete", "pods", "-A", "--field-selector=status.phase!=Running", "--wait=true")
        _await_removed_containers()
    if names := list(removable(_ctr("images", "ls").splitlines()[1:], parts)):
        _ctr("images", "rm", "--sync", *names)
    if not parts:
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("1")


def _await_removed_containers() -> None:
    """Waits until the kubelet has removed the containers of deleted pods, which it does once a minute.

    Until then they keep their layers on the node.
    """
    deadline = time.monotonic() + 180
    while ended := _ids("containers") - _ids("tasks"):
        if time.monotonic() > deadline:
            raise TimeoutError(f"The kubelet has not removed these ended containers within 180 s: {sorted(ended)}")
        time.sleep(1)


def _ids(kind: str) -> set[str]:
    return {line.split()[0] for line in _ctr(kind, "ls").splitlines()[1:]}


def removable(lines: Iterable[str], parts: tuple[str, ...]) -> Iterator[str]:
    """The names to remove, from the lines of `ctr images ls`: name, type, digest. An image has several names.

    What is not from the registry, such as the pause image, could not be pulled again.
    """
    names: dict[str, list[str]] = {}
    for line in lines:
        name, _, digest = line.split()[:3]
        names.setdefault(digest, []).append(name)
    for known in names.values():
        ours = [name for name in known if name.startswith(f"{settings.REGISTRY_HOST}/")]
        if any(name.startswith(_KEPT) for name in ours) or not all(
            name in ours or name.startswith("sha256:") for name in known
        ):
            continue
        if not parts or any(part in name for part in parts for name in ours):
            yield from known


def _ctr(*arguments: str) -> str:
    socket = f"/proc/{node_process()}/root/run/containerd/containerd.sock"
    return run(["ctr", "--address", socket, "--namespace", "k8s.io", *arguments], timeout=120)
