"""Downloads a blob in pieces, checked against its digest."""

import hashlib
from collections.abc import Iterator

from inference_image_build.registry import errors as faults
from inference_image_build.registry.copy import Descriptor, answering, check, not_served
from inference_image_build.registry.http import RegistryHttp
from inference_image_build.registry.references import ImageReference

_OK = 200
_PIECE = 1 << 20


def pieces(http: RegistryHttp, image: ImageReference, blob: Descriptor) -> Iterator[bytes]:
    """The bytes of a blob. Holds one piece in memory; not retried.

    Raises StageError: as `RegistryHttp.request`, `RegistryUnavailable` when the connection breaks, and, after the last
    piece, `DigestInvalid` when the bytes are others.
    """
    check(image, blob)
    http.request("HEAD", image, f"blobs/{blob.digest}")  # renews an expired token
    digest, left = hashlib.sha256(), blob.size
    with answering(image), http.download(image, f"blobs/{blob.digest}") as response:
        if response.status_code != _OK:
            raise not_served(image, blob)
        while left and (piece := response.raw.read(min(_PIECE, left), decode_content=False)):
            left -= len(piece)
            digest.update(piece)
            yield piece
    if left:
        raise faults.unavailable(image.host, f"the blob {blob.digest} ends early")
    if f"sha256:{digest.hexdigest()}" != blob.digest:
        raise not_served(image, blob)
