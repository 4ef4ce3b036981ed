"""The registry's API as the stages use it: manifests, tags, and the right to push.

Specification: https://github.com/opencontainers/distribution-spec/blob/main/spec.md. Of the client libraries on PyPI
(`oras` among them) none keeps a manifest's bytes as they are, and a digest is a hash of bytes.
"""

import contextlib
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

from inference_image_build import references, registry_copy
from inference_image_build import registry_faults as faults
from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.references import ImageReference
from inference_image_build.registry_auth import read_logins
from inference_image_build.registry_copy import Descriptor
from inference_image_build.registry_faults import Reply
from inference_image_build.registry_http import BACKOFF, MAX_BODY, RegistryHttp
from inference_image_contract import inputs, paths, registry_words
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker.distribution"
INDEX_TYPES = (f"{_OCI}.index.v1+json", f"{_DOCKER}.manifest.list.v2+json")
MANIFEST_TYPES = (f"{_OCI}.manifest.v1+json", f"{_DOCKER}.manifest.v2+json")
_ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404
_TAGS_OF_A_PAGE = 1000
_MAX_PAGES = 100
_NEXT = re.compile(r'\s*<(?P<url>[^>]*)>\s*;\s*rel="?next"?')


class Manifest(NamedTuple):
    """A manifest or an index, byte for byte as the registry serves it."""

    data: bytes
    media_type: str

    @property
    def digest(self) -> str:
        """`sha256:<hex>` of the bytes."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"


class Registry:
    """The registries that one stage talks to; a host that the installation does not allow is refused first."""

    def __init__(self, allowed: inputs.Registry, auth: Path, ca: Path, *, backoff: float = BACKOFF) -> None:
        self._allowed = allowed.allowed_hosts
        self._mirrors = allowed.mirrors
        self._http = RegistryHttp(read_logins(auth), ca, allowed.plain_http_hosts, allowed.token_hosts, backoff=backoff)

    @classmethod
    def mounted(cls, allowed: inputs.Registry) -> Self:
        """With the credentials and the CA that are mounted in the pod."""
        return cls(allowed, Path(paths.REGISTRY_AUTH), Path(paths.REGISTRY_CA))

    def manifest(self, image: ImageReference, selector: str = "") -> Manifest | None:
        """The manifest of a tag or digest (by default the reference's own), None when there is none.

        Raises StageError: as `RegistryHttp.request`, and `DigestInvalid` when the bytes are not those of the digest
        that was asked for, or that the registry says they have.
        """
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        return self._manifest(image, selector or image.selector)

    def base(self, image: ImageReference) -> Manifest | None:
        """The manifest of a base image, from the first mirror that has it, else from its own registry.

        A mirror that fails is passed over: it is there to help. Raises StageError as `manifest`.
        """
        found = self.located(image)
        return found[1] if found else None

    def located(self, image: ImageReference) -> tuple[ImageReference, Manifest] | None:
        """As `base`, with the repository that served it: there its blobs are, too."""
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        for mirrored in references.mirrored(image, self._mirrors):
            with contextlib.suppress(StageError):
                if found := self._manifest(mirrored, image.selector):
                    return mirrored, found
        last = self._manifest(image, image.selector)
        return (image, last) if last else None

    def _manifest(self, image: ImageReference, wanted: str) -> Manifest | None:
        reply = self._http.request("GET", image, f"manifests/{wanted}", headers={"Accept": _ACCEPT})
        if reply.status == _NOT_FOUND:
            return None
        if reply.status != _OK:
            raise faults.unexpected(image, f"the manifest {wanted}", reply)
        manifest = Manifest(reply.body, _media_type(reply))
        said = wanted if references.DIGEST.fullmatch(wanted) else reply.headers.get("Docker-Content-Digest", "")
        if said and said != manifest.digest:
            raise StageError(
                Reason.DIGEST_INVALID,
                f"The registry {image.host} serves {image.repository} {wanted} as {said}, but the bytes are those of "
                f"{manifest.digest}.",
                "Ask the administrator of the registry (or of a proxy before it) to look into it.",
            )
        return manifest

    def put_manifest(self, image: ImageReference, tag: str, manifest: Manifest) -> None:
        """Points a tag at a manifest whose blobs the repository holds.

        Raises StageError: as `RegistryHttp.request`, and `PublishFailed` when the registry refuses it.
        """
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        reply = self._http.request(
            "PUT",
            image,
            f"manifests/{tag}",
            actions="pull,push",
            headers={"Content-Type": manifest.media_type},
            body=manifest.data,
        )
        if reply.status not in {_OK, _CREATED}:
            raise faults.quota(image, reply) or _not_moved(image, tag, manifest, reply)

    def check_push(self, image: ImageReference) -> None:
        """Begins an upload and cancels it: proves that these credentials may push, and changes nothing.

        Raises StageError: as `RegistryHttp.request`, and `RepositoryNotFound`.
        """
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        reply = self._http.request("POST", image, "blobs/uploads/", actions="pull,push", body=b"")
        if reply.status != _ACCEPTED:
            raise faults.no_repository(image, reply)
        location = urlsplit(reply.headers.get("Location", ""))
        if location.path.startswith("/v2/"):
            # A token that may push need not allow this; the registry purges uploads that nobody ends.
            with contextlib.suppress(StageError):
                self._http.request("DELETE", image, urlunsplit(("", "", *location[2:])), actions="pull,push")

    def copy(self, source: ImageReference, target: ImageReference, manifest: Manifest) -> None:
        """Puts an image into another repository, under its digest: mounted where the registry is the same, else copied.

        Raises StageError: as `RegistryHttp.request`, `LayerTooLarge`, `PublishFailed`.
        """
        references.check_allowed(target, self._allowed, f"The image {target.repository}")
        registry_copy.copy_blobs(self._http, source, target, _descriptors(_document(source, manifest)))
        self.put_manifest(target, manifest.digest, manifest)

    def copy_blob(self, source: ImageReference, target: ImageReference, blob: Descriptor) -> int:
        """As `copy`, for one blob; the bytes that were sent, 0 where it was there or could be mounted."""
        references.check_allowed(target, self._allowed, f"The image {target.repository}")
        return registry_copy.copy_blobs(self._http, source, target, [blob])

    def push_blob(self, target: ImageReference, blob: Descriptor, content: Callable[[], Iterator[bytes]]) -> int:
        """Uploads a blob that the repository does not hold; the bytes that were sent. `content` begins it anew.

        Raises StageError: as `copy`, and what `content` raises.
        """
        references.check_allowed(target, self._allowed, f"The image {target.repository}")
        return registry_copy.push_blob(self._http, target, blob, content)

    def read_blob(self, image: ImageReference, blob: Descriptor) -> bytes:
        """A small blob, verified. Raises StageError: as `RegistryHttp.request`, `DigestInvalid`, `LimitExceeded`."""
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        if blob.size > MAX_BODY:
            raise StageError(
                Reason.LIMIT_EXCEEDED,
                f"The configuration {blob.digest} of {image.repository} has {blob.size} bytes, more than {MAX_BODY}.",
                "Use an image whose configuration is of ordinary size.",
            )
        return registry_copy.read_blob(self._http, image, blob)

    def platform(self, image: ImageReference, manifest: Manifest) -> Manifest | None:
        """The linux/amd64 manifest of an index, None when it has none; any other manifest as it is."""
        document = _document(image, manifest)
        if manifest.media_type not in INDEX_TYPES and "manifests" not in document:
            return manifest
        digest = _amd64(document)
        return self.base(image._replace(digest=digest)) if digest else None

    def created(self, image: ImageReference, manifest: Manifest) -> str:
        """When an image was built, as its configuration says (RFC 3339), empty when it does not."""
        config = next(_descriptors(_document(image, manifest)), None)
        if config is None or config.size > MAX_BODY:
            return ""
        document = json.loads(registry_copy.read_blob(self._http, image, config))
        created = document.get("created") if isinstance(document, dict) else None
        return created if isinstance(created, str) else ""

    def tags(self, image: ImageReference) -> list[str]:
        """Every tag of a repository. Raises StageError as `RegistryHttp.request`."""
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        found: list[str] = []
        path = f"tags/list?n={_TAGS_OF_A_PAGE}"
        for _ in range(_MAX_PAGES):
            reply = self._http.request("GET", image, path)
            if reply.status == _NOT_FOUND:
                return found
            document = json.loads(reply.body) if reply.status == _OK else None
            page = document.get("tags") if isinstance(document, dict) else None
            found += [tag for tag in page or () if isinstance(tag, str)]
            following = _NEXT.match(reply.headers.get("Link", ""))
            if reply.status != _OK or following is None:
                break
            # Only the query: a page is asked for at the registry whose list this is.
            path = f"tags/list?{urlsplit(following['url']).query}"
        if reply.status != _OK:
            raise faults.unexpected(image, "its tags", reply)
        return found

    def delete(self, image: ImageReference, digest: str) -> str:
        """Deletes a manifest with all its tags; what the registry has against it, empty when it is gone.

        Raises StageError as `RegistryHttp.request`, but a refusal is no error.
        """
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        try:
            reply = self._http.request("DELETE", image, f"manifests/{digest}", actions="pull,push,delete")
        except StageError as error:
            if error.reason != Reason.REGISTRY_UNAUTHORIZED:
                raise
            return error.message
        return "" if reply.status in {_ACCEPTED, _OK, _NOT_FOUND} else f"it answers {faults.summary(reply)}"

    def size(self, image: ImageReference, manifest: Manifest) -> int:
        """Bytes of configuration and layers, compressed; of an index, those of its linux/amd64 image.

        Zero when the manifest has no sizes.
        """
        child = self.platform(image, manifest)
        return sum(_sizes(_document(image, child))) if child else 0


def _not_moved(image: ImageReference, tag: str, manifest: Manifest, reply: Reply) -> StageError:
    says = faults.summary(reply)
    immutable = bool(registry_words.IMMUTABLE.search(says))
    return StageError(
        Reason.TAG_IMMUTABLE if immutable else Reason.PUBLISH_FAILED,
        f"The registry refuses to point {image.repository}:{tag} at {manifest.digest}: it answers {says}.",
        f"Check that the tag may be moved (immutable tags, quota) or choose another, {REQUEST_AGAIN}",
    )


def _media_type(reply: Reply) -> str:
    return reply.headers.get("Content-Type", "").partition(";")[0].strip() or MANIFEST_TYPES[0]


def _document(image: ImageReference, manifest: Manifest) -> dict[str, object]:
    try:
        document = json.loads(manifest.data)
    except ValueError:
        document = None
    if isinstance(document, dict):
        return document
    raise StageError(
        Reason.DIGEST_INVALID,
        f"What the registry serves as {image.pinned(manifest.digest)} is not an image manifest.",
        "Check the image reference.",
    )


def _amd64(index: dict[str, object]) -> str:
    """The digest of the linux/amd64 entry of an index, the platform that images are built for; empty if none."""
    entries = index.get("manifests")
    for entry in entries if isinstance(entries, list) else ():
        platform = entry.get("platform") if isinstance(entry, dict) else None
        if isinstance(platform, dict) and (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            digest = entry.get("digest")
            return digest if isinstance(digest, str) and references.DIGEST.fullmatch(digest) else ""
    return ""


def _sizes(document: dict[str, object]) -> Iterator[int]:
    return (descriptor.size for descriptor in _descriptors(document))


def _descriptors(document: dict[str, object]) -> Iterator[Descriptor]:
    """Configuration and layers of an image manifest."""
    layers = document.get("layers")
    for entry in (document.get("config"), *(layers if isinstance(layers, list) else ())):
        if isinstance(entry, dict) and isinstance(entry.get("size"), int) and entry["size"] > 0:
            yield Descriptor(str(entry.get("digest", "")), entry["size"])
