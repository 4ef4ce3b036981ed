"""Append: adds the Dockerfile's layers to its base image in the registry, under the content tag."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from inference_image_build.append import image, plan
from inference_image_build.append.image import SCRATCH, Base
from inference_image_build.append.layer import measured
from inference_image_build.builders import base_settings, check
from inference_image_build.dockerfile import parse
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.images import layer_limit
from inference_image_build.registry import manifests, references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import AppendInput, BaseSettings
from inference_image_contract.progress import Meter, What
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Appended


def append(
    request: AppendInput, registry: Registry, context: Path, pinned_dockerfile: Path, digest_file: Path
) -> Appended:
    """Builds and pushes the image; writes its digest for `report`, which verifies it with the registry.

    Each layer is read from the context once for its digest, and once more if the registry does not have it. Only the
    digest is written to disk.

    Raises StageError: `BuilderUnsupported`, `DockerfileInvalid`, `SourceChanged`, `LayerTooLarge`, those of the
    registry.
    """
    data = pinned_dockerfile.read_bytes()
    instructions = parse.read(data, request.dockerfile)
    repository = references.parse_repository(request.registry.repository)
    base = _base(instructions, request, registry)
    dockerfile = check.read(data, request.dockerfile, request.build_args, base.by_name)
    check.check(dockerfile, "Append", request.dockerfile, request.allowed_builders)
    options = plan.Options(request.labels, request.checkpoint_dir, request.allowed_builders)
    wanted = plan.make(dockerfile, base.image.settings, context, request.dockerfile, options)
    history = [(line.created_by, measured(*line) if line.entries else None) for line in wanted.history]
    limit = layer_limit.strictest(request.registry)
    for created_by, layer in history:
        layer_limit.check_made(created_by, layer.size if layer else 0, limit)
    made = image.on_top(base.image, wanted.config, history, wanted.author)
    based = [Descriptor(descriptor["digest"], descriptor["size"]) for descriptor in base.image.layers]
    new = [layer for _, layer in history if layer]
    total = sum(blob.size for blob in based) + sum(layer.size for layer in new) + len(made.config)
    push = _Push(registry, repository, _known(request, registry), total)
    for blob in based:
        push.base_layer(base.source, blob)
    for layer in new:
        push.blob(Descriptor(layer.digest, layer.size), layer.content)
    push.config(Descriptor(made.config_digest, len(made.config)), made.config)
    manifest = Manifest(made.manifest, made.media_type)
    registry.put_manifest(repository, request.content_tag, manifest)
    digest_file.write_text(manifest.digest)
    return Appended(digest=manifest.digest, pushed_bytes=push.pushed, reused_bytes=push.reused)


def _known(request: AppendInput, registry: Registry) -> list[ImageReference]:
    """The other repositories that may have a layer: those of earlier images and those that get the image."""
    places = (*request.known_repositories, *request.registry.additional_repositories)
    target = references.parse_repository(request.registry.repository)
    found = dict.fromkeys(references.parse_repository(text) for text in places)
    return [place for place in found if registry.names.same(place.host, target.host) and place.path != target.path]


class _Base(NamedTuple):
    source: ImageReference
    """Where its layers are."""
    image: Base
    by_name: dict[str, BaseSettings]
    """Its settings, by the word of FROM."""


def _base(instructions: tuple[Instruction, ...], request: AppendInput, registry: Registry) -> _Base:
    """The base image, which `assemble` has pinned by digest."""
    last = [instruction for instruction in instructions if instruction.name == "FROM"][-1]
    uses = parse.images(instructions, request.build_args, request.dockerfile)
    use = next((use for use in uses if use.instruction == last), None)
    if use is None:
        return _Base(references.parse_repository(request.registry.repository), SCRATCH, {})
    line = use.instruction.first_line
    source = references.parse(use.image)
    found = registry.located(source)
    source = found[0] if found else source
    manifest = registry.platform(*found) if found else None
    if manifest is None or manifest.media_type not in {image.OCI_MANIFEST, image.DOCKER_MANIFEST}:
        raise StageError(
            Reason.BASE_IMAGE_NOT_FOUND,
            f"{request.dockerfile}, line {line}, names {source}, which the registry {source.host} does not have for "
            "linux/amd64.",
            f"Fix line {line} of {request.dockerfile}, or push an image for linux/amd64 there.",
        )
    document = manifests.document(source, manifest)
    settings = registry.configuration(source, manifest)
    base = Base(manifest.media_type, document, settings)
    return _Base(source, base, {use.image: base_settings.of(settings)})


class _Push:
    """Uploads the blobs that the repository does not have, and counts bytes."""

    def __init__(
        self, registry: Registry, repository: ImageReference, known: Sequence[ImageReference], total: int
    ) -> None:
        """`known` are repositories that may have a layer; `total` is the bytes of all blobs."""
        self._registry = registry
        self._repository = repository
        self._known = known
        self._meter = Meter(What.PUSH, total)
        self.pushed = 0
        """Bytes that were uploaded."""
        self.reused = 0
        """Bytes that the registry already had."""

    def base_layer(self, source: ImageReference, blob: Descriptor) -> None:
        """A layer of the base image."""
        self._count(blob, self._registry.copy_blob(source, self._repository, blob, self._known))

    def blob(self, blob: Descriptor, content: Callable[[], Iterator[bytes]]) -> None:
        """A new layer."""
        self._count(blob, self._registry.push_blob(self._repository, blob, self._meter.counting(content), self._known))

    def config(self, blob: Descriptor, content: bytes) -> None:
        """The configuration, which no other repository has."""
        self._count(blob, self._registry.push_blob(self._repository, blob, lambda: iter((content,))))

    def _count(self, blob: Descriptor, sent: int) -> None:
        self.pushed += sent
        self.reused += blob.size - sent
        self._meter.at(self.pushed + self.reused)
        action = "pushed" if sent else "the registry already has"
        print(f"{action} {blob.digest} ({blob.size} bytes)", file=sys.stderr)
