"""An archive with one file, packed in each way that ADD knows, and packed files that are no archives."""

import bz2
import gzip
import io
import lzma
import tarfile


def _archive() -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        info = tarfile.TarInfo("inside")
        info.size, info.uid, info.gid = 1, 7, 8
        archive.addfile(info, io.BytesIO(b"I"))
    return packed.getvalue()


_TAR = _archive()
_ZSTD = b"\x28\xb5\x2f\xfd\x20\x03\x19\x00\x00abc"
"""A frame with one raw block, `abc` (RFC 8878)."""
PACKED = {
    "data.tar": _TAR,
    "data.tar.gz": gzip.compress(_TAR, mtime=0),
    "data.tar.bz2": bz2.compress(_TAR),
    "data.tar.xz": lzma.compress(_TAR),
    "data.tar.zst": _ZSTD,
    "plain.gz": gzip.compress(b"plain", mtime=0),
}
