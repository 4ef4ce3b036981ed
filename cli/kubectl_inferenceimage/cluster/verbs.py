"""Subcommands of one request: `history`, `rebuild`, `suspend`, `resume`, `pin`, `unpin`."""

from datetime import UTC, datetime

from inference_image_operator.api import REQUESTED_AT
from kubectl_inferenceimage.cluster.connection import Cluster, Object
from kubectl_inferenceimage.cluster.text import table
from kubectl_inferenceimage.errors import CommandError

COLUMNS = ("PUBLISHED", "CHECKPOINT", "DIGEST")


def history(cluster: Cluster, name: str) -> None:
    """Prints what the object has published, the newest first. Raises CommandError."""
    rows = published(cluster.image(name))
    if not rows:
        print(f"{name} has published nothing.")
        return
    print(table(COLUMNS, rows))


def published(image: Object) -> list[tuple[str, ...]]:
    """The columns of each published image, the newest first."""
    entries = image.get("status", {}).get("history", [])
    return [(entry["time"], str(entry.get("step", entry.get("checkpoint", ""))), entry["digest"]) for entry in entries]


def rebuild(cluster: Cluster, name: str) -> None:
    """Requests another run, as most remedies say. Raises CommandError."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    cluster.patch(name, {"metadata": {"annotations": {REQUESTED_AT: now}}})
    print(f"{name}: requested another run")


def suspend(cluster: Cluster, name: str) -> None:
    """Sets spec.suspend. Raises CommandError."""
    cluster.patch(name, {"spec": {"suspend": True}})
    print(f"{name}: suspended; the operator starts no new Jobs")


def resume(cluster: Cluster, name: str) -> None:
    """Takes spec.suspend back. Raises CommandError."""
    cluster.patch(name, {"spec": {"suspend": False}})
    print(f"{name}: resumed")


def pin(cluster: Cluster, name: str, wanted: str) -> None:
    """Sets spec.image.pin to the digest of the history that begins with `wanted`. Raises CommandError."""
    digests = [entry["digest"] for entry in cluster.image(name).get("status", {}).get("history", [])]
    beginning = f"sha256:{wanted.removeprefix('sha256:')}"
    found = list(dict.fromkeys(digest for digest in digests if digest.startswith(beginning)))
    if len(found) != 1:
        how_many = "several digests" if found else "no digest"
        raise CommandError(f"The history of {name} has {how_many} {wanted}: see kubectl inferenceimage history {name}")
    cluster.patch(name, {"spec": {"image": {"pin": found[0]}}})
    print(f"{name}: pinned to {found[0]}; nothing is polled or built")


def unpin(cluster: Cluster, name: str) -> None:
    """Removes spec.image.pin. Raises CommandError."""
    cluster.patch(name, {"spec": {"image": {"pin": None}}})
    print(f"{name}: unpinned; a run begins")
