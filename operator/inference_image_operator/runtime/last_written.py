"""The InferenceImages as the operator's own last writes left them: the next reconcile of each need not read it.

What is kept may be out of date, although the watch has brought nothing newer. So it is good for a decision that writes
the status, which the API server refuses for an object that has changed since (409), and for nothing else.

Nobody creates a Job before a write that claims it. So these reconciles need no list of Jobs either, whose cost grows
with the Jobs of the namespace: they ask for those that may still run, by name.
"""

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from inference_image_operator.kube.connection import Object
from inference_image_operator.runtime.pipeline_limiter import Key

MAX_BYTES = 64 << 10
"""Of one object. Others may write large annotations, which would stand in memory for as long as a Job runs."""


class Left(NamedTuple):
    """What a write left, for the next reconcile."""

    image: Object
    jobs: frozenset[str]
    """The names of the Jobs that may run. There is no other one."""


class _Kept(NamedTuple):
    version: str
    data: bytes
    jobs: set[str]


class _Seen:
    """What the watches have brought of an object since its reconcile began."""

    def __init__(self) -> None:
        self.version = ""
        self.jobs: dict[str, bool] = {}
        """Job -> whether it has ended."""


class LastWritten:
    """Of each object that waits for its next reconcile, the answer to the last write."""

    def __init__(self) -> None:
        self._kept: dict[Key, _Kept] = {}
        self._seen: dict[Key, _Seen] = {}

    def take(self, key: Key) -> Left | None:
        """What the last write left, for one reconcile.

        None if that reconcile has to read the object and list its Jobs.
        """
        self._seen[key] = _Seen()
        found = self._kept.pop(key, None)
        return Left(msgspec.json.decode(found.data), frozenset(found.jobs)) if found else None

    def keep(self, key: Key, image: Object, jobs: Iterable[str]) -> None:
        """Keeps the answer to a write, unless the watches have brought something else since `take`.

        `jobs` are those that the status claims, or that were there and had not ended.
        """
        version = str(image.get("metadata", {}).get("resourceVersion", ""))
        seen = self._seen.get(key) or _Seen()
        if not version or seen.version not in ("", version):
            return
        metadata = {name: value for name, value in image["metadata"].items() if name != "managedFields"}
        data = msgspec.json.encode(image | {"metadata": metadata})
        if len(data) <= MAX_BYTES:
            self._kept[key] = _Kept(version, data, set(jobs))
            for name, ended in seen.jobs.items():
                self.saw_job(key, name, ended)

    def saw(self, key: Key, version: str) -> None:
        """The watch has brought this version of an object. If it is not the one that is kept, that may be old."""
        if key in self._seen:
            self._seen[key].version = version
        if key in self._kept and self._kept[key].version != version:
            del self._kept[key]

    def keeps(self, key: Key) -> bool:
        """Whether the object is as the last write left it, as far as the watches have told."""
        return key in self._kept

    def saw_job(self, key: Key, name: str, ended: bool) -> None:  # noqa: FBT001 - a callback of the watch
        """The watch has brought a Job of an object. One that has ended, or is gone, need not be asked for.

        One that should not be there was created late, for a claim that was replaced: the next reconcile lists the Jobs.
        """
        if key in self._seen:
            self._seen[key].jobs[name] = ended
        if (kept := self._kept.get(key)) is None:
            return
        if ended:
            kept.jobs.discard(name)
        elif name not in kept.jobs:
            del self._kept[key]

    def forget(self, key: Key) -> None:
        """The object waits for nothing, or must be read."""
        self._kept.pop(key, None)
        self._seen.pop(key, None)
