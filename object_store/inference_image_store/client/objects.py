"""UFile's description of an object, in headers and listings, checked and typed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from types import MappingProxyType

import msgspec

_METADATA = "X-Ufile-Meta-"
SHA256_HEADER = _METADATA + "Sha256"
CLASS_HEADER = "X-Ufile-Storage-Class"
ARCHIVE = "ARCHIVE"
"""The storage class whose objects are unreadable until they are restored."""


@dataclass(frozen=True)
class ObjectInfo:
    """The current state of one object."""

    key: str
    size: int
    """Bytes."""
    etag: str
    """Unquoted."""
    sha256: str = ""
    """Hex, from the object's metadata; set only by `head`, `find` and the methods that end with them."""
    modified: int = field(default=0, compare=False)
    """Time of the last write, in seconds since 1970; 0 when unknown. Not compared."""
    storage_class: str = field(default="", compare=False)
    """`STANDARD`, `IA` or `ARCHIVE`; empty when unknown. Not compared."""

    @property
    def archived(self) -> bool:
        """Whether it may need a restore before it is readable."""
        return self.storage_class == ARCHIVE


NO_METADATA: Mapping[str, str] = MappingProxyType({})


def metadata_headers(sha256: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """The headers for an object's metadata: names such as `Checkpoint-Step`, ASCII values."""
    return {SHA256_HEADER: sha256} | {_METADATA + name: value for name, value in metadata.items()}


class ListedObject(msgspec.Struct, frozen=True):
    """One entry of a listing. The service writes sizes as strings.

    The documents say ETag; the SDKs for Java and Go read Etag, as in a listing of parts. Both are accepted.
    """

    key: str = msgspec.field(name="Key")
    size: int = msgspec.field(name="Size")
    documented: str | None = msgspec.field(name="ETag", default=None)
    read_by_sdks: str | None = msgspec.field(name="Etag", default=None)
    modified: int = msgspec.field(name="LastModified", default=0)
    storage_class: str = msgspec.field(name="StorageClass", default="")

    def __post_init__(self) -> None:
        if self.documented is None and self.read_by_sdks is None:
            raise ValueError("an object without an ETag")

    def info(self) -> ObjectInfo:
        """The entry as an ObjectInfo."""
        etag = self.documented or self.read_by_sdks or ""
        return ObjectInfo(
            self.key, self.size, etag.strip('"'), modified=self.modified, storage_class=self.storage_class
        )


class Page(msgspec.Struct, frozen=True):
    """One page of a listing."""

    truncated: bool = msgspec.field(name="IsTruncated", default=False)
    contents: tuple[ListedObject, ...] = msgspec.field(name="Contents", default=())


class ClassOfObject(msgspec.Struct, frozen=True):
    """One entry of the older listing, PrefixFileList. The documents say ObjectName; the SDKs read FileName."""

    storage_class: str = msgspec.field(name="StorageClass", default="")
    documented: str = msgspec.field(name="ObjectName", default="")
    read_by_sdks: str = msgspec.field(name="FileName", default="")

    @property
    def key(self) -> str:
        """The object's key."""
        return self.documented or self.read_by_sdks


class FileList(msgspec.Struct, frozen=True):
    """One page of the older listing."""

    entries: tuple[ClassOfObject, ...] = msgspec.field(name="DataSet", default=())


class NewUpload(msgspec.Struct, frozen=True):
    """The reply that begins a multipart upload. Every part except the last has `block` bytes."""

    id: str = msgspec.field(name="UploadId")
    block: int = msgspec.field(name="BlkSize")


class ListedPart(msgspec.Struct, frozen=True):
    """A part that the service has received."""

    number: int = msgspec.field(name="PartNum")
    etag: str = msgspec.field(name="Etag")


class Parts(msgspec.Struct, frozen=True):
    """Parts of a multipart upload."""

    parts: tuple[ListedPart, ...] = msgspec.field(name="Parts", default=())


class ListedUpload(msgspec.Struct, frozen=True):
    """An unfinished multipart upload."""

    id: str = msgspec.field(name="UploadId")
    key: str = msgspec.field(name="FileName")
    started: int = msgspec.field(name="StartTime", default=0)
    """Unix seconds of the service's clock."""


class Uploads(msgspec.Struct, frozen=True):
    """One page of unfinished uploads."""

    uploads: tuple[ListedUpload, ...] = msgspec.field(name="DataSet", default=())
    marker: str = msgspec.field(name="NextMarker", default="")


def from_headers(key: str, headers: Mapping[str, str]) -> ObjectInfo:
    """The object that a HEAD describes; raises ValueError when size or ETag is missing."""
    etag = headers.get("ETag", "").strip('"')
    length = headers.get("Content-Length", "")
    if not etag or not length.isdigit():
        raise ValueError("the reply has no ETag or no Content-Length")
    modified = _seconds(headers.get("Last-Modified", ""))
    sha256, storage_class = headers.get(SHA256_HEADER, "").lower(), headers.get(CLASS_HEADER, "")
    return ObjectInfo(key, int(length), etag, sha256, modified, storage_class)


def _seconds(date: str) -> int:
    """An HTTP date as seconds since 1970, 0 for an invalid one."""
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except ValueError:
        return 0
