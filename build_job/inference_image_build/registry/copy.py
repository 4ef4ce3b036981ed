"""Copies blobs to another repository: mounts them within a registry, streams them between two registries.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#mounting-a-blob-from-another-repository
"""

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import IO, NamedTuple, cast
from urllib.parse import urlencode, urljoin

import requests
from urllib3.exceptions import HTTPError

from inference_image_build.registry import errors as faults
from inference_image_build.registry import replies
from inference_image_build.registry.http import ATTEMPTS, RegistryHttp
from inference_image_build.registry.references import ImageReference
from inference_image_contract import registry_words
from inference_image_contract.content import DIGEST
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason

_OK, _CREATED, _ACCEPTED, _TOO_LARGE = 200, 201, 202, 413


_Open = Callable[[], contextlib.AbstractContextManager["IO[bytes] | _GeneratedBody"]]
"""Opens the content of a blob, once per upload attempt."""


class Descriptor(NamedTuple):
    """A blob: its digest and its size in bytes."""

    digest: str
    size: int


def copy_blobs(
    http: RegistryHttp,
    source: ImageReference,
    target: ImageReference,
    blobs: Iterable[Descriptor],
    known: Sequence[ImageReference] = (),
) -> int:
    """Copies the blobs that the target repository does not have; holds no blob in memory. Returns the bytes sent.

    Within a registry, a blob is mounted: from `source`, or from a repository of `known` that has it.

    Raises StageError: as `RegistryHttp.request`, `LayerTooLarge`, `RepositoryNotFound`, `DigestInvalid`.
    """
    sent = 0
    for blob in dict.fromkeys(blobs):
        check(source, blob)
        sent += _put(http, (source, *known), target, blob, partial(_download, http, source, blob))
    return sent


def push_blob(
    http: RegistryHttp,
    target: ImageReference,
    blob: Descriptor,
    content: Callable[[], Iterator[bytes]],
    known: Sequence[ImageReference] = (),
) -> int:
    """Uploads a blob unless the repository has it. `content` restarts the stream per attempt. Returns the bytes sent.

    A blob that one of the repositories `known` has is mounted in place of an upload, if that is on the same registry.
    Raises StageError: as `copy_blobs`, and what `content` raises.
    """
    return _put(http, known, target, blob, lambda: contextlib.nullcontext(_GeneratedBody(content(), blob.size)))


def read_blob(http: RegistryHttp, image: ImageReference, blob: Descriptor) -> bytes:
    """A small blob, verified.

    Raises StageError: as `RegistryHttp.request`, and `DigestInvalid`.
    """
    check(image, blob)
    http.request("HEAD", image, f"blobs/{blob.digest}")
    with answering(image), http.download(image, f"blobs/{blob.digest}") as response:
        data = response.raw.read(blob.size + 1, decode_content=False) if response.ok else b""
    if f"sha256:{hashlib.sha256(data).hexdigest()}" != blob.digest:
        raise not_served(image, blob)
    return cast("bytes", data)


def _put(
    http: RegistryHttp, places: Sequence[ImageReference], target: ImageReference, blob: Descriptor, body: _Open
) -> int:
    """Mounts the blob or uploads it, unless it exists. Returns the bytes sent."""
    if _has(http, target, blob):
        return 0
    location = _begin(http, _having(http, places, target, blob), target, blob)
    return _stream(http, target, blob, body, location) if location else 0


def _has(http: RegistryHttp, image: ImageReference, blob: Descriptor) -> bool:
    """Whether a repository has a blob. A registry on object storage redirects to the blobs that it has."""
    found = http.request("HEAD", image, f"blobs/{blob.digest}")
    return found.status == _OK or found.is_redirect


def _having(
    http: RegistryHttp, places: Sequence[ImageReference], target: ImageReference, blob: Descriptor
) -> ImageReference | None:
    """The first other repository of the target's registry that has the blob and that this login may read."""
    for place in places:
        if http.names.same(place.host, target.host) and place.path != target.path:
            with contextlib.suppress(StageError):
                if _has(http, place._replace(host=target.host), blob):
                    return place
    return None


def _begin(http: RegistryHttp, source: ImageReference | None, target: ImageReference, blob: Descriptor) -> str:
    """Starts an upload, or mounts from another repository. Returns the upload's location; empty after a mount."""
    query = f"?{urlencode({'mount': blob.digest, 'from': source.path})}" if source else ""
    reply = http.request(
        "POST",
        target,
        f"blobs/uploads/{query}",
        actions="pull,push",
        source=source.path if source else "",
        body=b"",
    )
    if reply.status == _CREATED:
        return ""
    if reply.status != _ACCEPTED:
        raise faults.no_repository(target, reply, http.names)
    if not reply.headers.get("Location"):
        raise faults.unavailable(target.host, "it accepts an upload, but does not say where")
    return urljoin(reply.url, reply.headers["Location"])


def _stream(http: RegistryHttp, target: ImageReference, blob: Descriptor, body: _Open, location: str) -> int:
    fault = ""
    for attempt in range(ATTEMPTS):
        try:
            with body() as data:
                reply = http.upload(target, _finishing(location, blob), data, blob.size)
        except requests.RequestException as error:
            fault = faults.describe(error)
        else:
            if reply.status == _CREATED:
                return blob.size
            if reply.status == _TOO_LARGE or registry_words.TOO_LARGE.search(replies.summary(reply)):
                raise _too_large(target, blob)
            if full := faults.quota(target, reply):
                raise full
            if reply.is_redirect:
                location = urljoin(reply.url, reply.headers["Location"])
                fault = f"it redirects to {faults.shown(location)}"
                continue
            fault = f"it answers {replies.summary(reply)} to the upload of {blob.digest}"
        http.pause(attempt)
        if _has(http, target, blob):  # the answer to a finished upload may be lost
            return blob.size
        location = _begin(http, None, target, blob)
    raise faults.unavailable(target.host, f"{fault} ({ATTEMPTS} attempts)")


def _finishing(location: str, blob: Descriptor) -> str:
    """The URL that finishes an upload; a redirect may have the digest already."""
    location = location.partition("#")[0]
    if "digest=" in location.partition("?")[2]:
        return location
    return f"{location}{'&' if '?' in location else '?'}digest={blob.digest}"


@contextlib.contextmanager
def _download(http: RegistryHttp, source: ImageReference, blob: Descriptor) -> Iterator[IO[bytes]]:
    http.request("HEAD", source, f"blobs/{blob.digest}")  # renews an expired token
    with http.download(source, f"blobs/{blob.digest}") as response:
        if response.status_code != _OK:
            raise not_served(source, blob)
        yield cast("IO[bytes]", _DownloadedBody(response, blob.size))


class _GeneratedBody:
    """An iterator as the body of an upload; `len` tells requests the size, so that it is not chunked."""

    def __init__(self, content: Iterator[bytes], size: int) -> None:
        self._content = content
        self.len = size

    def __iter__(self) -> Iterator[bytes]:
        return self._content


class _DownloadedBody:
    """The body of a download as the body of an upload; `len` tells requests the size, so that it is not chunked."""

    def __init__(self, response: requests.Response, size: int) -> None:
        self._raw = response.raw
        self._left = size
        self.len = size

    def read(self, size: int = -1) -> bytes:
        """At most the size of the blob: what a registry sends beyond it is not its content."""
        piece = cast("bytes", self._raw.read(min(size, self._left) if size > 0 else self._left, decode_content=False))
        self._left -= len(piece)
        if self._left and not piece:
            raise requests.ConnectionError("the blob ends early")
        return piece


@contextlib.contextmanager
def answering(image: ImageReference) -> Iterator[None]:
    """A download within it that breaks off is the registry's: raises StageError (`RegistryUnavailable`)."""
    try:
        yield
    except requests.RequestException as error:
        raise faults.unavailable(image.host, faults.describe(error)) from error
    except HTTPError as error:  # reading the raw body raises errors of urllib3
        raise faults.unavailable(image.host, f"the connection broke ({type(error).__name__})") from error


def check(image: ImageReference, blob: Descriptor) -> None:
    """Refuses a descriptor without a digest. Raises StageError (`DigestInvalid`)."""
    if not DIGEST.fullmatch(blob.digest):
        raise not_served(image, blob)


def not_served(image: ImageReference, blob: Descriptor) -> StageError:
    """The failure for a blob that a manifest names and the registry does not have, or has other bytes of."""
    return StageError(
        Reason.DIGEST_INVALID,
        f"The registry {image.host} does not serve the blob {blob.digest[:80]} of {image.repository}.",
        "Nothing to do if this happens once: the stage is retried. Otherwise ask the administrator of the registry.",
    )


def _too_large(image: ImageReference, blob: Descriptor) -> StageError:
    return StageError(
        Reason.LAYER_TOO_LARGE,
        f"The registry {image.host}, or a proxy in front of it, does not accept a layer of {blob.size} bytes.",
        "Split the largest COPY or ADD of the Dockerfile into several, or ask to raise the limit, " + REQUEST_AGAIN,
    )
