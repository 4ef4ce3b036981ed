"""The InferenceImages as the operator's own last writes left them: the next reconcile of each need not read it.

What is kept may be out of date, although the watch has brought nothing newer. So it is good for a decision that writes
the status, which the API server refuses for an object that has changed since (409), and for nothing else.
"""

import msgspec

from inference_image_operator.kube.connection import Object
from inference_image_operator.runtime.pipeline_limiter import Key

MAX_BYTES = 64 << 10
"""Of one object. Others may write large annotations, which would stand in memory for as long as a Job runs."""


class LastWritten:
    """Of each object that waits for its next reconcile, the answer to the last write."""

    def __init__(self) -> None:
        self._kept: dict[Key, tuple[str, bytes]] = {}
        self._seen: dict[Key, str] = {}

    def take(self, key: Key) -> Object | None:
        """The object, for one reconcile; None if the reconcile has to read it."""
        self._seen[key] = ""
        found = self._kept.pop(key, None)
        return msgspec.json.decode(found[1]) if found else None

    def keep(self, key: Key, image: Object) -> None:
        """Keeps the answer to a write, unless the watch has brought another version since `take`."""
        version = str(image.get("metadata", {}).get("resourceVersion", ""))
        if not version or self._seen.get(key) not in ("", version):
            return
        metadata = {name: value for name, value in image["metadata"].items() if name != "managedFields"}
        data = msgspec.json.encode(image | {"metadata": metadata})
        if len(data) <= MAX_BYTES:
            self._kept[key] = version, data

    def saw(self, key: Key, version: str) -> None:
        """The watch has brought this version of an object. If it is not the one that is kept, that may be old."""
        if key in self._seen:
            self._seen[key] = version
        if key in self._kept and self._kept[key][0] != version:
            del self._kept[key]

    def forget(self, key: Key) -> None:
        """The object waits for nothing, or must be read."""
        self._kept.pop(key, None)
        self._seen.pop(key, None)
