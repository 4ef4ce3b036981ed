"""Counts writes in the API server's audit log, independent of the operator."""

import json
from collections import Counter
from pathlib import Path

WRITES = frozenset({"create", "update", "patch", "delete", "deletecollection"})


class WriteCounter:
    """Successful and rejected writes of one user since the last count, by verb and resource."""

    def __init__(self, log: Path, user: str) -> None:
        self._log = log
        self._user = user
        self._offset = log.stat().st_size

    def count(self) -> Counter[str]:
        """The writes since the last call or the creation; keys like `patch inferenceimages/status`."""
        found: Counter[str] = Counter()
        with self._log.open("rb") as log:
            log.seek(self._offset)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._offset += len(line)
                found.update(_write(line, self._user))
        return found


def _write(line: bytes, user: str) -> list[str]:
    if user.encode() not in line:  # skips parsing the writes of other users
        return []
    event = json.loads(line)
    if event["user"]["username"] != user or event["verb"] not in WRITES:
        return []
    target = event.get("objectRef", {})
    resource = target.get("resource", "")
    subresource = target.get("subresource")
    return [f"{event['verb']} {resource}" + (f"/{subresource}" if subresource else "")]
