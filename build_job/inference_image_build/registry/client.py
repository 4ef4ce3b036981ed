"""The registry API that the steps use: manifests, tags, and the check of push access.

Specification: https://github.com/opencontainers/distribution-spec/blob/main/spec.md. No client library on
PyPI (`oras` among them) keeps the exact bytes of a manifest, and a digest is a hash of bytes.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self
from urllib.parse import quote, urljoin, urlsplit

import requests

from inference_image_build.registry import copy, fetch, references, replies
from inference_image_build.registry import errors as faults
from inference_image_build.registry.auth import read_logins
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.http import BACKOFF, RegistryHttp
from inference_image_build.registry.manifests import (
    INDEX_TYPES,
    MANIFEST_TYPES,
    Manifest,
    amd64,
    descriptors,
    document,
    layers,
    media_type,
    not_an_image,
)
from inference_image_build.registry.redirects import Hosts
from inference_image_build.registry.references import ImageReference
from inference_image_build.registry.replies import MAX_BODY, Reply
from inference_image_contract import inputs, paths, registry_hosts, registry_words
from inference_image_contract.content import DIGEST
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_names import RegistryNames

_ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
_OK, _CREATED, _ACCEPTED, _NOT_FOUND = 200, 201, 202, 404
_PUSH = "pull,push"
_TAGS_OF_A_PAGE = 1000
_MAX_PAGES = 100


class Registry:
    """The registries that one step uses; refuses a host that the installation does not allow before any request."""

    def __init__(self, allowed: inputs.Registry, auth: Path, ca: Path, *, backoff: float = BACKOFF) -> None:
        self._allowed = allowed.allowed_hosts
        self._mirrors = allowed.mirrors
        self.names = allowed.names()
        self._logins = read_logins(auth)
        plain = frozenset(map(registry_hosts.key, allowed.plain_http_hosts))
        hosts = Hosts(allowed.allowed_hosts, plain, allowed.token_hosts, self.names)
        self._http = RegistryHttp(self._logins, ca, hosts, backoff=backoff)
        exact = hosts._replace(names=RegistryNames(()))
        self._exact_name_http = RegistryHttp(self._logins, ca, exact, backoff=backoff)
        """Uses a login only for its exact host name, as Kaniko and kubelets do."""

    @classmethod
    def mounted(cls, allowed: inputs.Registry) -> Self:
        """A client with the credentials and the CA that are mounted in the pod."""
        return cls(allowed, Path(paths.REGISTRY_AUTH), Path(paths.REGISTRY_CA))

    def check_allowed(self, image: ImageReference) -> None:
        """Refuses a registry that the installation does not allow. Raises StageError (`RegistryNotAllowed`)."""
        references.check_allowed(image, self._allowed, self.names, f"The image {image.repository}")

    def manifest(self, image: ImageReference, selector: str = "") -> Manifest | None:
        """The manifest of a tag or digest (by default the reference's own); None when it does not exist.

        Raises StageError: as `RegistryHttp.request`, and `DigestInvalid` when the bytes do not match the requested
        digest, or the digest in the response header.
        """
        self.check_allowed(image)
        return self._manifest(image, selector or image.selector, self._http)

    def base(self, image: ImageReference) -> Manifest | None:
        """The manifest of a base image, from the first mirror that has it, or else from its own registry.

        A mirror that fails is skipped. Raises StageError as `manifest`.
        """
        found = self.located(image)
        return found[1] if found else None

    def located(self, image: ImageReference) -> tuple[ImageReference, Manifest] | None:
        """As `base`, with the repository that served it and that holds its blobs.

        If its registry has several names, this is the most preferred name that serves it to a client that uses each
        login only for its exact host name.
        """
        self.check_allowed(image)
        for mirrored in references.mirrored(image, self._mirrors, self.names):
            with contextlib.suppress(StageError):
                if found := self._manifest(mirrored, image.selector, self._http):
                    return mirrored, found
        names = self.names.of(image.host)
        for host in names if len(names) > 1 else ():
            there = image._replace(host=host)
            with contextlib.suppress(StageError):
                found = self._manifest(there, image.selector, self._exact_name_http)
                if found:
                    return there, found
                break  # all names are the same registry, so the others do not have it either
        last = self._manifest(image, image.selector, self._http)
        return (image, last) if last else None

    def _manifest(self, image: ImageReference, wanted: str, http: RegistryHttp) -> Manifest | None:
        reply = http.request("GET", image, f"manifests/{wanted}", headers={"Accept": _ACCEPT})
        if reply.status == _NOT_FOUND:
            return None
        if reply.status != _OK:
            raise faults.unexpected(image, f"the manifest {wanted}", reply)
        manifest = Manifest(reply.body, media_type(reply.headers.get("Content-Type", ""), reply.body))
        said = wanted if DIGEST.fullmatch(wanted) else reply.headers.get("Docker-Content-Digest", "")
        if said.startswith("sha256:") and said != manifest.digest:
            raise StageError(
                Reason.DIGEST_INVALID,
                f"The registry {image.host} serves {image.repository} {wanted} as {said}, but the bytes have the "
                f"digest {manifest.digest}.",
                "Ask the administrator of the registry, or of a proxy in front of it, to investigate.",
            )
        return manifest

    def put_manifest(self, image: ImageReference, tag: str, manifest: Manifest) -> None:
        """Points a tag to a manifest whose blobs are in the repository.

        Raises StageError: as `RegistryHttp.request`, and `PublishFailed` when the registry refuses it.
        """
        self.check_allowed(image)
        reply = self._http.request(
            "PUT",
            image,
            f"manifests/{tag}",
            actions=_PUSH,
            headers={"Content-Type": manifest.media_type},
            body=manifest.data,
        )
        if reply.status not in {_OK, _CREATED}:
            raise faults.quota(image, reply) or _not_moved(image, tag, manifest, reply)

    def check_push(self, image: ImageReference, *, uploads: bool = False) -> None:
        """Starts an upload and cancels it: proves that these credentials may push, and changes nothing.

        With `uploads`, also that this client may upload to where the registry says; builders with a client of their own
        decide that themselves. Raises StageError: as `RegistryHttp.request`, `RegistryHttp.upload_target`, and
        `RepositoryNotFound`.
        """
        self.check_allowed(image)
        try:
            reply = self._http.request("POST", image, "blobs/uploads/", actions=_PUSH, body=b"")
        except StageError as error:
            asked = self._http.access(image, _PUSH)
            if asked.user and error.reason is Reason.REGISTRY_UNAUTHORIZED and self._may_read(image):
                raise faults.pull_only(asked, error.message.partition(": ")[2].removesuffix(".")) from error
            raise
        if reply.status != _ACCEPTED:
            raise faults.no_repository(image, reply, self.names)
        location = urljoin(reply.url, reply.headers.get("Location", ""))
        if uploads:
            self._http.upload_target(image, location)
        # A token that may push need not allow this; the registry purges unfinished uploads.
        with contextlib.suppress(StageError, ValueError):
            target = registry_hosts.url(location).target
            if target.startswith("/v2/"):
                self._http.request("DELETE", image, target, actions=_PUSH)

    def _may_read(self, image: ImageReference) -> bool:
        """Whether the login may read the repository; a repository without images counts as readable."""
        try:
            return self._http.request("GET", image, "tags/list?n=1").status in {_OK, _NOT_FOUND}
        except StageError:
            return False

    def names_with_login(self, image: ImageReference) -> list[ImageReference]:
        """The repository under each name of its registry that has a login, the preferred name first."""
        hosts = self.names.of(image.host)
        return [image._replace(host=host) for host in hosts if host in self._logins]

    def copy(self, source: ImageReference, target: ImageReference, manifest: Manifest) -> None:
        """Copies an image to another repository, under its digest; within a registry, blobs are mounted.

        Raises StageError: as `RegistryHttp.request`, `LayerTooLarge`, `PublishFailed`.
        """
        self.check_allowed(target)
        copy.copy_blobs(self._http, source, target, descriptors(document(source, manifest)))
        self.put_manifest(target, manifest.digest, manifest)

    def copy_blob(
        self, source: ImageReference, target: ImageReference, blob: Descriptor, known: Sequence[ImageReference] = ()
    ) -> int:
        """As `copy`, for one blob. Returns the bytes sent; 0 if the blob existed or could be mounted.

        `known` are repositories that may have it besides `source`.
        """
        self.check_allowed(target)
        return copy.copy_blobs(self._http, source, target, [blob], known)

    def push_blob(
        self,
        target: ImageReference,
        blob: Descriptor,
        content: Callable[[], Iterator[bytes]],
        known: Sequence[ImageReference] = (),
    ) -> int:
        """Uploads a blob unless the repository or one of `known` has it. Returns the bytes sent.

        `content` restarts the stream. Raises StageError: as `copy`, and what `content` raises.
        """
        self.check_allowed(target)
        return copy.push_blob(self._http, target, blob, content, known)

    def blob(self, image: ImageReference, blob: Descriptor) -> Iterator[bytes]:
        """The bytes of a blob, in pieces. Raises StageError as `fetch.pieces`."""
        self.check_allowed(image)
        return fetch.pieces(self._http, image, blob)

    def read_blob(self, image: ImageReference, blob: Descriptor) -> bytes:
        """A small blob, verified. Raises StageError: as `RegistryHttp.request`, `DigestInvalid`, `LimitExceeded`."""
        self.check_allowed(image)
        if blob.size > MAX_BODY:
            raise StageError(
                Reason.LIMIT_EXCEEDED,
                f"The configuration {blob.digest} of {image.repository} exceeds {MAX_BODY} bytes: it has {blob.size}.",
                "Use an image with a smaller configuration.",
            )
        return copy.read_blob(self._http, image, blob)

    def configuration(self, image: ImageReference, manifest: Manifest) -> dict[str, object]:
        """The configuration of an image. Raises StageError as `read_blob`."""
        blob = next(descriptors({"config": document(image, manifest).get("config")}), None)
        if blob is None:
            raise not_an_image(image, manifest.digest)
        return document(image, Manifest(self.read_blob(image, blob), ""))

    def platform(self, image: ImageReference, manifest: Manifest) -> Manifest | None:
        """The linux/amd64 manifest of an index, or None when it has none; returns any other manifest unchanged."""
        found = document(image, manifest)
        if manifest.media_type not in INDEX_TYPES and "manifests" not in found:
            return manifest
        digest = amd64(found)
        return self.base(image._replace(digest=digest)) if digest else None

    def config(self, image: ImageReference, manifest: Manifest) -> dict[str, object]:
        """The configuration of an image; empty when it has none or when it is too large."""
        blob = next(descriptors(document(image, manifest)), None)
        if blob is None or blob.size > MAX_BODY:
            return {}
        found = replies.document(copy.read_blob(self._http, image, blob))
        return found if isinstance(found, dict) else {}

    def layers(self, image: ImageReference, manifest: Manifest) -> list[Descriptor]:
        """The compressed layers; of an index, those of its linux/amd64 image. Empty when the manifest has no sizes."""
        child = self.platform(image, manifest)
        return layers(document(image, child)) if child else []

    def tags(self, image: ImageReference) -> list[str]:
        """Every tag of a repository. Raises StageError as `RegistryHttp.request`."""
        self.check_allowed(image)
        found: list[str] = []
        path = f"tags/list?n={_TAGS_OF_A_PAGE}"
        for _ in range(_MAX_PAGES):
            reply = self._http.request("GET", image, path)
            if reply.status == _NOT_FOUND:
                return found
            listing = replies.document(reply.body) if reply.status == _OK else None
            if not isinstance(listing, dict):
                break
            page = listing.get("tags")
            found += [tag for tag in page if isinstance(tag, str)] if isinstance(page, list) else []
            links = requests.utils.parse_header_links(reply.headers.get("Link", ""))
            following = next((link["url"] for link in links if link.get("rel") == "next"), "")
            if not following:
                return found
            # Take only the query: the next page must come from the same registry.
            path = f"tags/list?{quote(urlsplit(following).query, safe='&=%')}"
        else:
            return found
        raise faults.unexpected(image, "its tags", reply)

    def delete(self, image: ImageReference, digest: str) -> str:
        """Deletes a manifest with all its tags. Returns why the registry refuses; empty when the manifest is gone.

        Raises StageError as `RegistryHttp.request`, but a refusal is not an error.
        """
        self.check_allowed(image)
        try:
            reply = self._http.request("DELETE", image, f"manifests/{digest}", actions="pull,push,delete")
        except StageError as error:
            if error.reason != Reason.REGISTRY_UNAUTHORIZED:
                raise
            return error.message
        return "" if reply.status in {_ACCEPTED, _OK, _NOT_FOUND} else f"it answers {replies.summary(reply)}"

    def size(self, image: ImageReference, manifest: Manifest) -> int:
        """Compressed bytes of configuration and layers; of an index, those of its linux/amd64 image.

        Zero when the manifest has no sizes.
        """
        child = self.platform(image, manifest)
        return sum(blob.size for blob in descriptors(document(image, child))) if child else 0


def _not_moved(image: ImageReference, tag: str, manifest: Manifest, reply: Reply) -> StageError:
    says = replies.summary(reply)
    immutable = bool(registry_words.IMMUTABLE.search(says))
    return StageError(
        Reason.TAG_IMMUTABLE if immutable else Reason.PUBLISH_FAILED,
        f"The registry refuses to point {image.repository}:{tag} to {manifest.digest}: it answers {says}.",
        f"Check that the tag may be moved (immutable tags, quota), or choose another tag, {REQUEST_AGAIN}",
    )
