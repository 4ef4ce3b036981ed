"""Objects on disk: a blob and a record each, both renamed into place, so a kill leaves the old or the new object.

They survive a crash of the process, not a power loss: nothing is synced, for the speed of tests and demos.

<root>/<bucket>/blobs/<random>        the bytes
<root>/<bucket>/records/<sha256(key)>.json   a `Record`, which names its blob
<root>/<bucket>/uploads/<id>/         a multipart upload: `upload.json`, its bytes, one small file per part
"""

import hashlib
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from devcluster.ufile.protocol import errors
from devcluster.ufile.storage.digests import Digests


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes of one object."""

    key: str
    blob: str
    size: int
    etag: str
    mime_type: str
    created: int
    modified: int
    """Unix seconds."""
    metadata: dict[str, str]
    """`X-Ufile-Meta-*` headers, names in lower case without that prefix."""
    storage_class: str = "STANDARD"
    readable_from: float = 0.0
    """Unix seconds of the end of the last restore of an archived object; 0 without a restore."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """The attributes that an upload sets."""

    mime_type: str = ""
    metadata: dict[str, str] = {}
    storage_class: str = "STANDARD"


class Incoming:
    """An object that is being received. It is invisible until `Bucket.commit`."""

    def __init__(self, path: Path, file: BinaryIO, *, md5: bool) -> None:
        self.path = path
        self.digests = Digests(md5=md5)
        self._file = file

    def write(self, data: bytes) -> None:
        """Appends bytes."""
        self._file.write(data)
        self.digests.update(data)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


class Bucket:
    """One bucket: its objects, by key. Used by one thread."""

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self.uploads = root / "uploads"
        self._blobs = root / "blobs"
        self._records = root / "records"
        for folder in (self.uploads, self._blobs, self._records):
            folder.mkdir(parents=True, exist_ok=True)
        records = (msgspec.json.decode(path.read_bytes(), type=Record) for path in self._records.glob("*.json"))
        self._by_key = {record.key: record for record in records}
        self._remove_orphans()

    def keys(self) -> list[str]:
        """All keys in the order of listings: by their UTF-8 bytes."""
        return sorted(self._by_key, key=lambda key: key.encode())

    def get(self, key: str) -> Record:
        """The record of an object; raises UFileError when it is absent."""
        try:
            return self._by_key[key]
        except KeyError:
            raise errors.not_found() from None

    def has(self, key: str) -> bool:
        """Whether the key exists."""
        return key in self._by_key

    def open(self, record: Record) -> BinaryIO:
        """The bytes of an object. They stay readable when the object is replaced."""
        return (self._blobs / record.blob).open("rb")

    @contextmanager
    def receive(self, *, md5: bool = False) -> Iterator[Incoming]:
        """A temporary file for the bytes of an object; removed on exit unless committed."""
        path = self._blobs / f"{secrets.token_hex(16)}.incoming"
        try:
            with path.open("xb") as file:
                yield Incoming(path, file, md5=md5)
        finally:
            path.unlink(missing_ok=True)

    def commit(self, key: str, incoming: Incoming, about: About) -> Record:
        """Makes the received bytes the object of that key; replaces an existing one."""
        incoming.close()
        return self.adopt(key, incoming.path, incoming.digests.etag(), about)

    def adopt(self, key: str, path: Path, etag: str, about: About) -> Record:
        """Makes a file of this disk the object of that key; replaces an existing one."""
        now = int(time.time())
        old = self._by_key.get(key)
        record = Record(
            key=key,
            blob=secrets.token_hex(16),
            size=path.stat().st_size,
            etag=etag,
            mime_type=about.mime_type or "application/octet-stream",
            created=old.created if old else now,
            modified=now,
            metadata=about.metadata,
            storage_class=about.storage_class,
        )
        path.rename(self._blobs / record.blob)
        self.update(record)
        if old:
            (self._blobs / old.blob).unlink(missing_ok=True)
        return record

    def update(self, record: Record) -> None:
        """Stores the new record of an object."""
        write_atomically(self._record_path(record.key), msgspec.json.encode(record))
        self._by_key[record.key] = record

    def delete(self, key: str) -> None:
        """Removes an object; raises UFileError when it is absent."""
        record = self.get(key)
        self._record_path(key).unlink()
        del self._by_key[key]
        (self._blobs / record.blob).unlink(missing_ok=True)

    def _record_path(self, key: str) -> Path:
        return self._records / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _remove_orphans(self) -> None:
        used = {record.blob for record in self._by_key.values()}
        for path in self._blobs.iterdir():
            if path.name not in used:
                path.unlink()


def write_atomically(path: Path, data: bytes) -> None:
    """Writes a file atomically."""
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}.new")
    temporary.write_bytes(data)
    temporary.rename(path)
