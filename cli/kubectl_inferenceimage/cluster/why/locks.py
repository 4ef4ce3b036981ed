"""What two input locks differ in: everything that Resolve pins, down to each file and base image. Pure."""

from collections.abc import Iterator

from inference_image_contract.inputs import InputLock, PinnedObject
from kubectl_inferenceimage.cluster.why.changes import Difference

_ABSENT = "-"


def differences(before: InputLock, now: InputLock) -> Iterator[Difference]:
    """Each pinned input that differs, with its ETag, hash or digest."""
    was, becomes = _facts(before), _facts(now)
    for name in {**was, **becomes}:
        if was.get(name) != becomes.get(name):
            yield Difference(name, was.get(name, _ABSENT), becomes.get(name, _ABSENT))


def _facts(lock: InputLock) -> dict[str, str]:
    facts = {f"base image {name}": pinned.rpartition("@")[2] for name, pinned in lock.base_images.items()}
    facts |= {"label map": _object(lock.label_map), "Dockerfile": lock.dockerfile}
    facts |= {f"source {item.path}": f"{item.etag or item.sha256}, {item.size} bytes" for item in lock.source}
    facts |= {f"checkpoint {item.key}": _object(item) for item in lock.checkpoint}
    if lock.pipeline_config:
        facts["pipeline config"] = _object(lock.pipeline_config)
    if lock.frozen_graph:
        facts["imported graph"] = _object(lock.frozen_graph)
    if lock.commit:
        facts["commit"] = lock.commit.commit
    if lock.archive:
        facts["archive"] = f"{lock.archive.key}, SHA-256 {lock.archive.sha256}"
    return facts


def _object(pinned: PinnedObject) -> str:
    return f"{pinned.key}, {pinned.etag}, {pinned.size} bytes"
