"""Append: adds the Dockerfile's layers to its base image in the registry, under the content tag."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from inference_image_build.append import image, plan, supported
from inference_image_build.append.image import SCRATCH, Base
from inference_image_build.append.layer import measured
from inference_image_build.dockerfile import parse
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.images import layer_limit
from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import AppendInput
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
    instructions = parse.read(pinned_dockerfile.read_bytes(), request.dockerfile)
    supported.check(instructions, request.dockerfile)
    repository = references.parse_repository(request.registry.repository)
    source, base = _base(instructions, request, registry)
    options = plan.Options(request.build_args, request.labels, request.checkpoint_dir)
    wanted = plan.make(instructions, base.settings, context, request.dockerfile, options)
    history = [(line.created_by, measured(*line) if line.entries else None) for line in wanted.history]
    limit = layer_limit.strictest(request.registry)
    for created_by, layer in history:
        layer_limit.check_made(created_by, layer.size if layer else 0, limit)
    made = image.on_top(base, wanted.config, history)
    push = _Push(registry, repository)
    for descriptor in base.layers:
        push.base_layer(source, Descriptor(descriptor["digest"], descriptor["size"]))
    for _, layer in history:
        if layer:
            push.blob(Descriptor(layer.digest, layer.size), layer.content)
    push.blob(Descriptor(made.config_digest, len(made.config)), lambda: iter((made.config,)))
    manifest = Manifest(made.manifest, made.media_type)
    registry.put_manifest(repository, request.content_tag, manifest)
    digest_file.write_text(manifest.digest)
    return Appended(digest=manifest.digest, pushed_bytes=push.pushed, reused_bytes=push.reused)


def _base(
    instructions: tuple[Instruction, ...], request: AppendInput, registry: Registry
) -> tuple[ImageReference, Base]:
    """The base image, which `assemble` has pinned by digest."""
    uses = parse.images(instructions, request.build_args, request.dockerfile)
    if not uses:
        return references.parse_repository(request.registry.repository), SCRATCH
    line = uses[0].instruction.first_line
    source = references.parse(uses[0].image)
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
    document = json.loads(manifest.data)
    config = document["config"]
    settings = json.loads(registry.read_blob(source, Descriptor(config["digest"], config["size"])))
    base = Base(manifest.media_type, document, settings)
    if base.settings.get("OnBuild"):
        raise supported.unsupported(request.dockerfile, uses[0].instruction, "ONBUILD triggers of the base image")
    return source, base


class _Push:
    """Uploads the blobs that the repository does not have, and counts bytes."""

    def __init__(self, registry: Registry, repository: ImageReference) -> None:
        self._registry = registry
        self._repository = repository
        self.pushed = 0
        """Bytes that were uploaded."""
        self.reused = 0
        """Bytes that the registry already had."""

    def base_layer(self, source: ImageReference, blob: Descriptor) -> None:
        """A layer of the base image."""
        self._count(blob, self._registry.copy_blob(source, self._repository, blob))

    def blob(self, blob: Descriptor, content: Callable[[], Iterator[bytes]]) -> None:
        """A new layer or the configuration."""
        self._count(blob, self._registry.push_blob(self._repository, blob, content))

    def _count(self, blob: Descriptor, sent: int) -> None:
        self.pushed += sent
        self.reused += blob.size - sent
        action = "pushed" if sent else "the registry already has"
        print(f"{action} {blob.digest} ({blob.size} bytes)", file=sys.stderr)
