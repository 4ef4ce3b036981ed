"""Report: pushes what Kaniko built, and asks the registry which digest it serves for the built image."""

from pathlib import Path

from inference_image_build.depot.push import push
from inference_image_build.depot.store import Depot
from inference_image_build.images import layer_limit
from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_contract.content import DIGEST
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import ReportInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Built

_MAX_DIGEST_FILE = 256


def report(request: ReportInput, registry: Registry, digest_file: Path, depot: Depot | None = None) -> Built:
    """Digest and size of the built image, as the registry serves it. Pushes it first if it is in a depot.

    The image is looked up by the builder's digest, not by the content tag: two objects that build the same content at
    the same time push two images. The tag names the later one, but both are good.

    Raises StageError: as `push`; `DigestInvalid` when the registry has no such tag, or does not serve what the builder
    pushed; `LayerTooLarge` when a further registry of this image does not accept one of its layers.
    """
    repository = references.parse_repository(request.registry.repository)
    pushed = push(request, registry, depot) if depot else ""
    manifest = registry.manifest(repository, request.content_tag)
    if manifest is None:
        raise _invalid(f"The registry does not serve {repository.repository}:{request.content_tag} after the push.")
    if written := pushed or _written(digest_file):
        manifest = registry.manifest(repository, written)
        if manifest is None:
            raise _invalid(f"The builder pushed {written}, but the registry does not serve it.")
    warnings = tuple(layer_limit.check_pushed(registry.layers(repository, manifest), request.registry))
    return Built(digest=manifest.digest, size=registry.size(repository, manifest), warnings=warnings)


def _written(digest_file: Path) -> str:
    """The digest that a builder which pushes by itself has written; empty without one."""
    if not digest_file.exists():
        return ""
    with digest_file.open("rb") as file:
        data = file.read(_MAX_DIGEST_FILE + 1)
    written = data.decode("utf-8", errors="replace").strip()
    if len(data) > _MAX_DIGEST_FILE or not DIGEST.fullmatch(written):
        raise _invalid("The builder wrote a digest file without a sha256 digest.")
    return written


def _invalid(message: str) -> StageError:
    return StageError(
        Reason.DIGEST_INVALID,
        message,
        "Nothing to do if this happens once: the build is retried. Otherwise find out what else pushes to or deletes "
        "from this repository.",
    )
