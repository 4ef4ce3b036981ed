"""The API server's audit log: evidence that does not depend on the operator."""

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Write:
    """One write request and its result."""

    time: str
    """Time of the request, RFC 3339 with microseconds, comparable as text."""
    ended: str
    """Time of the answer."""
    user: str
    verb: str
    resource: str
    subresource: str
    name: str
    code: int
    sent: dict[str, Any]
    object: dict[str, Any]
    """The resulting object; empty if the answer is only a Status."""

    @property
    def done(self) -> bool:
        """Whether the API server carried it out."""
        return self.code < 300


class AuditLog:
    """The log by namespace, read up to its current end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._writes: dict[str, list[Write]] = defaultdict(list)
        self._lock = threading.Lock()

    def writes(self, namespace: str) -> list[Write]:
        """All writes in a namespace so far, in the order of their answers."""
        with self._lock:
            self._read()
            return [*self._writes[namespace]]

    def _read(self) -> None:
        with self._path.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                self._add(json.loads(line))

    def _add(self, event: dict[str, Any]) -> None:
        target = event.get("objectRef", {})
        answer = event.get("responseObject", {})
        self._writes[target.get("namespace", "")].append(
            Write(
                time=event["requestReceivedTimestamp"],
                ended=event["stageTimestamp"],
                user=event["user"]["username"],
                verb=event["verb"],
                resource=target.get("resource", ""),
                subresource=target.get("subresource", ""),
                name=target.get("name", "") or answer.get("metadata", {}).get("name", ""),
                code=event.get("responseStatus", {}).get("code", 0),
                sent=event.get("requestObject") or {},
                object={} if answer.get("kind") == "Status" else answer,
            )
        )
