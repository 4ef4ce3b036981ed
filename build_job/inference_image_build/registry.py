"""The registry's API as the stages use it: manifests, tags, and the right to push.

Specification: https://github.com/opencontainers/distribution-spec/blob/main/spec.md. Of the client libraries on PyPI
(`oras` among them) none keeps a manifest's bytes as they are, and a digest is a hash of bytes.
"""

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import urlsplit, urlunsplit

from inference_image_build import references
from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.references import ImageReference
from inference_image_build.registry_auth import read_logins
from inference_image_build.registry_http import BACKOFF, RegistryHttp, Reply
from inference_image_contract import inputs, paths
from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason

_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker.distribution"
INDEX_TYPES = (f"{_OCI}.index.v1+json", f"{_DOCKER}.manifest.list.v2+json")
MANIFEST_TYPES = (f"{_OCI}.manifest.v1+json", f"{_DOCKER}.manifest.v2+json")
_ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404


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
        self._http = RegistryHttp(read_logins(auth), ca, allowed.plain_http_hosts, backoff=backoff)

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
        wanted = selector or image.selector
        reply = self._http.request("GET", image, f"manifests/{wanted}", headers={"Accept": _ACCEPT})
        if reply.status == _NOT_FOUND:
            return None
        if reply.status != _OK:
            raise _unexpected(image, f"the manifest {wanted}", reply)
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
            raise StageError(
                Reason.PUBLISH_FAILED,
                f"The registry refuses to point {image.repository}:{tag} at {manifest.digest}: "
                f"it answers {_summary(reply)}.",
                f"Check that the tag may be moved (immutable tags, quota) or choose another, {REQUEST_AGAIN}",
            )

    def check_push(self, image: ImageReference) -> None:
        """Begins an upload and cancels it: proves that these credentials may push, and changes nothing.

        Raises StageError: as `RegistryHttp.request`; a repository that cannot be is `RegistryUnauthorized` too,
        since registries hide what a user may not see.
        """
        references.check_allowed(image, self._allowed, f"The image {image.repository}")
        reply = self._http.request("POST", image, "blobs/uploads/", actions="pull,push", body=b"")
        if reply.status != _ACCEPTED:
            raise StageError(
                Reason.REGISTRY_UNAUTHORIZED,
                f"The registry {image.host} does not take uploads to {image.repository}: it answers {_summary(reply)}.",
                f"Create the repository or its project at the registry, or correct spec.image.repository; "
                f"if the spec stays as it is, {REQUEST_AGAIN}",
            )
        location = urlsplit(reply.headers.get("Location", ""))
        if location.path.startswith("/v2/"):
            # A token that may push need not allow this; the registry purges uploads that nobody ends.
            with contextlib.suppress(StageError):
                self._http.request("DELETE", image, urlunsplit(("", "", *location[2:])), actions="pull,push")

    def size(self, image: ImageReference, manifest: Manifest) -> int:
        """Bytes of configuration and layers, compressed; of an index, those of its linux/amd64 image.

        Zero when the manifest has no sizes.
        """
        document = _document(image, manifest)
        if manifest.media_type in INDEX_TYPES or "manifests" in document:
            digest = _amd64(document)
            child = self.manifest(image, digest) if digest else None
            return sum(_sizes(_document(image, child))) if child else 0
        return sum(_sizes(document))


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
    layers = document.get("layers")
    for descriptor in (document.get("config"), *(layers if isinstance(layers, list) else ())):
        size = descriptor.get("size") if isinstance(descriptor, dict) else None
        if isinstance(size, int) and size > 0:
            yield size


def _summary(reply: Reply) -> str:
    """Status and, where the registry gives one, its first error code."""
    try:
        code = json.loads(reply.body)["errors"][0]["code"]
    except (ValueError, KeyError, IndexError, TypeError):
        return str(reply.status)
    return f"{reply.status} {code}"[:80]


def _unexpected(image: ImageReference, what: str, reply: Reply) -> StageError:
    return StageError(
        Reason.REGISTRY_UNAVAILABLE,
        f"The registry {image.host} answers {_summary(reply)} when asked for {what} of {image.repository}.",
        "Check the image reference and that the host is a registry.",
    )
