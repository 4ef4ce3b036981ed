"""Image references: `[host[:port]/]path[:tag][@digest]`, and which hosts an installation allows. Pure.

Grammar: https://pkg.go.dev/github.com/distribution/reference.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from inference_image_contract.content import DIGEST
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import BaseRewrite
from inference_image_contract.reasons import Reason
from inference_image_contract.registry_hosts import DEFAULT_HOST, canonical, key
from inference_image_contract.registry_names import RegistryNames

DEFAULT_TAG = "latest"

TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::[0-9]{1,5})?|\[[0-9a-f:]+\](?::[0-9]{1,5})?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_MAX_PATH = 255


class ImageReference(NamedTuple):
    """A reference with every default filled in; `digest` is empty when none was written."""

    host: str
    path: str
    tag: str
    digest: str

    @property
    def repository(self) -> str:
        """`host/path`."""
        return f"{self.host}/{self.path}"

    @property
    def selector(self) -> str:
        """The digest if there is one, else the tag."""
        return self.digest or self.tag

    def pinned(self, digest: str) -> str:
        """The same repository at this digest."""
        return f"{self.repository}@{digest}"

    def __str__(self) -> str:
        return f"{self.repository}@{self.digest}" if self.digest else f"{self.repository}:{self.tag}"


def parse(text: str) -> ImageReference:
    """The parts of a reference; its host is canonical (`registry_hosts`), as hosts are compared.

    Raises ValueError with a clause that names the malformed part.
    """
    name, _, digest = text.partition("@")
    if "@" in text and not DIGEST.fullmatch(digest):
        raise ValueError(f"{text!r} has a digest that is not sha256:<64 hex digits>")
    head, slash, rest = name.partition("/")
    is_host = bool(slash) and (head == "localhost" or "." in head or ":" in head)
    host, remainder = (head.lower(), rest) if is_host else (DEFAULT_HOST, name)
    path, colon, tag = remainder.partition(":")
    if not _HOST.fullmatch(host):
        raise ValueError(f"{text!r} has a malformed host {host!r}")
    host = canonical(host)
    if not _PATH.fullmatch(path) or len(path) > _MAX_PATH:
        raise ValueError(f"{text!r} has a malformed repository {path!r} (lower case letters, digits and . _ - /)")
    if colon and not TAG.fullmatch(tag):
        raise ValueError(f"{text!r} has a malformed tag {tag!r}")
    if host == DEFAULT_HOST and "/" not in path:
        path = f"library/{path}"
    return ImageReference(host, path, tag or DEFAULT_TAG, digest)


def parse_repository(text: str) -> ImageReference:
    """A repository without tag and digest, as `spec.image.repository` has it.

    Raises StageError (`InvalidInput`).
    """
    try:
        reference = parse(text)
    except ValueError as error:
        raise _not_a_repository(str(error)) from error
    if "@" in text or ":" in text.rpartition("/")[2]:
        raise _not_a_repository(f"{text!r} has a tag or a digest where only a repository is expected")
    return reference


def rewritten(reference: ImageReference, rewrites: Iterable[BaseRewrite], names: RegistryNames) -> ImageReference:
    """The same image under another registry or repository, by the first rewrite with a matching prefix.

    A prefix matches whole path components, under any name of the registry. Raises StageError (`InvalidInput`) when the
    result is not a reference.
    """
    for rewrite in rewrites:
        prefix = names.at(rewrite.prefix.rstrip("/"), reference.host)
        if f"{reference.repository}/".startswith(f"{prefix}/"):
            text = rewrite.replacement.rstrip("/") + reference.repository.removeprefix(prefix)
            try:
                there = parse(text)
            except ValueError as error:
                raise StageError(
                    Reason.INVALID_INPUT,
                    f"The installation rewrites {reference.repository} to an invalid image reference: {error}.",
                    "Ask the administrator to fix config.sources.baseImageRewrites in the chart's values.",
                ) from error
            return reference._replace(host=there.host, path=there.path)
    return reference


def check_allowed(reference: ImageReference, allowed: Collection[str], names: RegistryNames, where: str) -> None:
    """Refuses a registry that the installation does not list, under any of its names; an empty list allows any.

    `where` says what names the image, for the message. Raises StageError (`RegistryNotAllowed`).
    """
    if not allowed or names.listed(reference.host, allowed):
        return
    raise StageError(
        Reason.REGISTRY_NOT_ALLOWED,
        f"{where} names the registry {reference.host}, which this installation does not allow "
        f"(allowed: {', '.join(sorted(allowed))}).",
        "Use an image from an allowed registry, or ask the administrator to allow this one in the chart's values.",
    )


def mirrored(
    reference: ImageReference, mirrors: Mapping[str, Collection[str]], names: RegistryNames
) -> list[ImageReference]:
    """The same image at each mirror of its registry; a mirror is a host, or a host and a path prefix."""
    found = []
    for mirror in names.find(reference.host, mirrors) or ():
        host, _, prefix = mirror.partition("/")
        found.append(
            reference._replace(host=key(host), path=f"{prefix}/{reference.path}" if prefix else reference.path)
        )
    return found


def _not_a_repository(detail: str) -> StageError:
    return StageError(Reason.INVALID_INPUT, f"The repository {detail}.", "Fix spec.image.repository.")
