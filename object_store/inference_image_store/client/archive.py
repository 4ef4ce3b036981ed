"""Objects of class ARCHIVE: which of them cannot be read now, and how their restore is asked for.

US3 documents (introduction/storage_type, solutions/archive, API restore.md): such an object is read only after a
restore, which takes 15 minutes (Expedited) or 1 to 5 hours (Standard), and then for three days. Listings tell the
class, not whether it was restored, and what HEAD says is told in two ways; so one byte is asked for.
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
"""How long a restore takes, as US3 documents it."""
_ALREADY = (400, 409)
"""Not archived any more, or under way (the second is not documented)."""


class Archive:
    """The archived objects of one bucket."""

    def __init__(self, wire: Wire, retry: Retry) -> None:
        self._wire = wire
        self._retry = retry

    def unreadable(self, transfer: Transfer, objects: Iterable[ObjectInfo]) -> list[str]:
        """The keys, sorted, of those that are archived and not restored. Raises StageError."""
        found: list[str] = []
        archived = [info for info in objects if info.archived]

        def look(info: ObjectInfo) -> None:
            if not self._retry.call(partial(self._is_readable, info), transfer.sleep):
                found.append(info.key)

        if archived:
            parallel.run((partial(look, info) for info in archived), transfer)
        return sorted(found)

    def restore(self, transfer: Transfer, keys: Iterable[str], tier: Tier) -> None:
        """Asks for the restore of each; one that is under way or done is left alone. Raises StageError.

        A restore that is asked for again costs nothing more (US3 documents: bill/billing).
        """

        def ask(key: str) -> None:
            self._retry.call(partial(self._ask, key, tier), transfer.sleep)

        parallel.run((partial(ask, key) for key in keys), transfer)

    def _is_readable(self, info: ObjectInfo) -> bool:
        """By a byte; of an empty object no byte can be asked for."""
        method, headers = ("GET", {"Range": "bytes=0-0"}) if info.size else ("HEAD", {})
        try:
            with self._wire.send(method, info.key, headers=headers):
                return True
        except ArchivedError:
            return False

    def _ask(self, key: str, tier: Tier) -> None:
        with self._wire.send("PUT", key, query="restore", headers={"Tier": tier}, also=_ALREADY):
            pass
