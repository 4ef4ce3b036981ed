"""Objects of class ARCHIVE: which of them are unreadable, and how to restore them.

US3 documents (introduction/storage_type, solutions/archive, API restore.md): such an object is readable only
after a restore, which takes 15 minutes (Expedited) or 1 to 5 hours (Standard), and then for three days. Listings show
the class, not whether the object is restored, and the documents disagree about HEAD; so this module reads one byte.
"""

from collections.abc import Iterable
from functools import partial
from typing import Literal

from inference_image_store.client.objects import ObjectInfo
from inference_image_store.client.wire import Wire
from inference_image_store.errors import ArchivedError
from inference_image_store.transfers import parallel
from inference_image_store.transfers.retry import Retry
from inference_image_store.transfers.transfer import Transfer

Tier = Literal["Expedited", "Standard"]
TAKES: dict[str, str] = {"Expedited": "15 minutes", "Standard": "1 to 5 hours"}
"""Duration of a restore, according to the US3 documents."""
_ALREADY = (400, 409)
"""Statuses for an object that is not archived, or whose restore is in progress (the latter is not documented)."""


class Archive:
    """The archived objects of one bucket."""

    def __init__(self, wire: Wire, retry: Retry) -> None:
        self._wire = wire
        self._retry = retry

    def unreadable(self, transfer: Transfer, objects: Iterable[ObjectInfo]) -> list[str]:
        """The sorted keys of the objects that are archived and not restored. Raises StageError."""
        found: list[str] = []
        archived = [info for info in objects if info.archived]

        def check(info: ObjectInfo) -> None:
            if not self._retry.call(partial(self._is_readable, info), transfer.sleep):
                found.append(info.key)

        if archived:
            parallel.run((partial(check, info) for info in archived), transfer)
        return sorted(found)

    def restore(self, transfer: Transfer, keys: Iterable[str], tier: Tier) -> None:
        """Requests the restore of each object; a restore in progress or done continues. Raises StageError.

        A repeated request costs nothing more (US3 documents: bill/billing).
        """

        def ask(key: str) -> None:
            self._retry.call(partial(self._request, key, tier), transfer.sleep)

        parallel.run((partial(ask, key) for key in keys), transfer)

    def _is_readable(self, info: ObjectInfo) -> bool:
        """Reads one byte; HEAD for an empty object, which has no bytes."""
        method, headers = ("GET", {"Range": "bytes=0-0"}) if info.size else ("HEAD", {})
        try:
            with self._wire.send(method, info.key, headers=headers):
                return True
        except ArchivedError:
            return False

    def _request(self, key: str, tier: Tier) -> None:
        with self._wire.send("PUT", key, query="restore", headers={"Tier": tier}, also=_ALREADY):
            pass
