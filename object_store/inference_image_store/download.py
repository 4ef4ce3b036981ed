"""Downloads that are either the whole, verified object at the target, or nothing there."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import requests

from inference_image_store import failures
from inference_image_store.etag import ETag
from inference_image_store.objects import ObjectInfo
from inference_image_store.retry import Retry
from inference_image_store.wire import Wire

RANGE = 32 * 1024 * 1024
"""Bytes asked for at a time. Each range has its own attempts, so a long object may meet many short breaks."""

_PARTIAL = 206


class Download:
    """One object on its way into a file. Attempts go on where the one before broke off."""

    def __init__(self, wire: Wire, info: ObjectInfo, file: BinaryIO) -> None:
        self._wire = wire
        self._info = info
        self._file = file
        self._received = 0
        self._etag = ETag()
        self._sha256 = hashlib.sha256()

    def run(self, retry: Retry) -> None:
        """Receives everything; raises StageError, or TransientError when what arrived is not the object."""
        while self._received < self._info.size:
            end = min(self._received + RANGE, self._info.size)
            retry.call(partial(self._receive, end))
        self._verify()

    def _receive(self, end: int) -> None:
        wanted = f"bytes {self._received}-{end - 1}/{self._info.size}"
        headers = {"Range": wanted.replace(" ", "=").partition("/")[0]}
        with self._wire.send("GET", self._info.key, headers=headers) as response:
            self._check(response, wanted)
            for chunk in self._wire.chunks(self._info.key, response):
                if self._received + len(chunk) > end:
                    raise failures.unavailable(self._wire.bucket, self._info.key, "it sent more than was asked for")
                self._file.write(chunk)
                self._etag.update(chunk)
                self._sha256.update(chunk)
                self._received += len(chunk)
        if self._received < end:
            raise failures.unavailable(self._wire.bucket, self._info.key, "the answer ended early")

    def _check(self, response: requests.Response, wanted: str) -> None:
        etag = response.headers.get("ETag", "").strip('"')
        if etag != self._info.etag:
            raise failures.changed(self._wire.bucket, self._info.key, f"ETag {self._info.etag}", f"ETag {etag}")
        actual = response.headers.get("Content-Range", "")
        if response.status_code != _PARTIAL or actual != wanted:
            detail = f"asked for {wanted} it answered {response.status_code} {failures.clean(actual)}"
            raise failures.unavailable(self._wire.bucket, self._info.key, detail)

    def _verify(self) -> None:
        info = self._info
        if (etag := self._etag.value()) != info.etag and info.size:  # nothing to compare in an empty object
            raise failures.corrupt(self._wire.bucket, info.key, f"its ETag is {info.etag}, that of the bytes {etag}")
        if info.sha256 and (sha256 := self._sha256.hexdigest()) != info.sha256:
            raise failures.corrupt(
                self._wire.bucket, info.key, f"its SHA-256 is {info.sha256}, that of the bytes {sha256}"
            )


def download(wire: Wire, retry: Retry, info: ObjectInfo, target: Path) -> None:
    """Puts the object at `target`, replacing a file that is there, and syncs it to the disk.

    Raises StageError: `ObjectCorrupt` when the bytes are wrong in every attempt, `SourceChanged` when the object is
    replaced meanwhile. Whatever fails, `target` is as it was.
    """

    def attempt() -> None:
        with _temporary(target) as (file, path):
            Download(wire, info, file).run(retry)
            file.flush()
            os.fsync(file.fileno())
            path.replace(target)

    retry.call(attempt)
    _sync_folder(target.parent)


@contextmanager
def _temporary(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside `target`, with the permissions that any new file would have; removed unless renamed."""
    path = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with path.open("xb") as file:
            yield file, path
    finally:
        path.unlink(missing_ok=True)


def _sync_folder(path: Path) -> None:
    """A rename is on the disk only when its folder is."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
