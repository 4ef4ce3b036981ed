"""Aborts abandoned multipart uploads: after a crash the service keeps their parts and charges for them."""

import logging
from collections.abc import Iterator
from urllib.parse import quote

from inference_image_contract import untrusted_json
from inference_image_contract.errors import StageError
from inference_image_store import errors
from inference_image_store.client.objects import ListedUpload, Uploads
from inference_image_store.client.wire import Wire

_LOG = logging.getLogger(__name__)
_PAGE = 100
_MAX_PAGES = 100
_MAX_ANSWER = 1024 * 1024


def abort(wire: Wire, key: str, upload_id: str) -> None:
    """Aborts an upload and deletes its parts; raises StageError."""
    with wire.send("DELETE", key, query=f"uploadId={quote(upload_id, safe='')}"):
        pass


def abort_of_key(wire: Wire, key: str) -> int:
    """Aborts every unfinished upload of this key; returns their number.

    A concurrent upload of the same key must start again. Keys derive from content, so both uploads are equal.
    """
    return _abort(wire, [upload for upload in _page(wire, key, "").uploads if upload.key == key])


def abort_older(wire: Wire, prefix: str, before: float) -> int:
    """Aborts every upload below `prefix` that began before that time (Unix seconds); returns their number."""
    return _abort(wire, [upload for upload in _all(wire, prefix) if 0 < upload.started < before])


def _abort(wire: Wire, uploads: list[ListedUpload]) -> int:
    """Ignores failures: the next attempt finds the uploads again."""
    ended = 0
    for upload in uploads:
        try:
            abort(wire, upload.key, upload.id)
        except StageError as error:
            _LOG.warning("Cannot abort an unfinished upload: %s", error.message)
        else:
            ended += 1
            _LOG.info("Aborted an unfinished upload of %s.", errors.describe(wire.bucket, upload.key))
    return ended


def _all(wire: Wire, prefix: str) -> Iterator[ListedUpload]:
    marker = ""
    for _ in range(_MAX_PAGES):
        page = _page(wire, prefix, marker)
        yield from page.uploads
        if not page.marker or page.marker == marker:
            return
        marker = page.marker


def _page(wire: Wire, prefix: str, marker: str) -> Uploads:
    """Uploads of keys that begin with `prefix` and come after `marker`; an empty page when the listing fails."""
    query = f"muploadid&prefix={quote(prefix, safe='')}&marker={quote(marker, safe='')}&limit={_PAGE}"
    try:
        with wire.send("GET", "", query=query) as response:
            return untrusted_json.read(
                wire.body("", response, _MAX_ANSWER), Uploads, max_bytes=_MAX_ANSWER, strict=False
            )
    except (StageError, ValueError) as error:
        _LOG.warning("Cannot list unfinished uploads: %s", error)
        return Uploads()
