"""The operator's writes, read from the API server's audit log."""

import json

from demo.install import NAMESPACE
from devcluster import settings

LOG = settings.STATE / "log" / "audit.log"
READS = frozenset({"get", "list", "watch"})
USER = f"system:serviceaccount:{NAMESPACE}:"


def mark() -> int:
    """The current end of the log, for `writes`."""
    return LOG.stat().st_size


def writes(since: int) -> list[tuple[str, str, str]]:
    """(verb, resource, name) of the operator's writes after a mark, in order, with dry runs and rejected requests."""
    found = []
    with LOG.open("rb") as log:
        log.seek(since)
        for line in log:
            event = json.loads(line)
            if event["user"]["username"].startswith(USER) and event["verb"] not in READS:
                target = event.get("objectRef", {})
                found.append((event["verb"], target.get("resource", ""), target.get("name", "")))
    return found
