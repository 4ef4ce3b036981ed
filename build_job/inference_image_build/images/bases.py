"""Pins and checks the base images of a Dockerfile."""

from collections.abc import Mapping
from typing import NamedTuple

from inference_image_build.builders import base_settings, check
from inference_image_build.builders.features import Dockerfile
from inference_image_build.dockerfile import copied_files, parse
from inference_image_build.dockerfile.parse import Use
from inference_image_build.dockerfile.platforms import PLATFORM, is_ours
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.images import base_tensorflow, layers
from inference_image_build.images.layer_limit import BaseLayer
from inference_image_build.registry import manifests, references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import BaseSettings, ResolveInput
from inference_image_contract.reasons import Reason


class Bases(NamedTuple):
    """The base images of a Dockerfile."""

    dockerfile: Dockerfile
    """The Dockerfile on these images."""
    pins: dict[str, str]
    """FROM reference after ARG substitution -> the image that is pulled for it, pinned by digest."""
    settings: dict[str, BaseSettings]
    """FROM reference after ARG substitution -> the settings of the image."""
    size: int
    """Compressed bytes of all base images."""
    layers: tuple[BaseLayer, ...]
    """The layers whose size a registry limits."""


class _Image(NamedTuple):
    """An image that the Dockerfile pulls."""

    pinned: ImageReference
    """The reference to pin."""
    manifest: Manifest
    """Its manifest, or the index that has it."""
    config: dict[str, object]


def pin(request: ResolveInput, data: bytes, registry: Registry) -> Bases:
    """Pins the base images of the Dockerfile `data`.

    Raises StageError: `DockerfileInvalid`, `BuilderUnsupported`, `RegistryNotAllowed`, `BaseImageNotFound`,
    `GraphIncompatible`, and those of the registry.
    """
    _check_builder(request, data, {})
    instructions = parse.read(data, request.dockerfile)
    found: dict[str, _Image] = {}
    settings: dict[str, BaseSettings] = {}
    limited: list[BaseLayer] = []
    for use in parse.images(instructions, request.build_args, request.dockerfile):
        image = found[use.image] = found.get(use.image) or _image(request, use, registry)
        if use.instruction.name == "FROM":
            settings[use.image] = base_settings.of(image.config)
        if _is_below_the_image(use, instructions):
            declared = base_tensorflow.declared(use.image, image.config)
            base_tensorflow.check(declared, request.input_type, request.readable_by, use.image, _where(request, use))
        if layers.are_limited(request.registry, use, instructions):
            blobs = registry.layers(image.pinned, image.manifest)
            limited += [BaseLayer(image.pinned, use.instruction.first_line, blob) for blob in blobs]
    pins = {name: image.pinned.pinned(image.manifest.digest) for name, image in found.items()}
    size = sum(registry.size(image.pinned, image.manifest) for image in found.values())
    parse.pin(data, request.build_args, pins, request.dockerfile)  # `assemble` must be able to
    dockerfile = _check_builder(request, data, settings)
    return Bases(dockerfile, pins, settings, size, tuple(limited))


def _check_builder(request: ResolveInput, data: bytes, settings: Mapping[str, BaseSettings]) -> Dockerfile:
    """Refuses what the builder does not do right; what the base images decide about, once `settings` are known."""
    dockerfile = check.read(data, request.dockerfile, request.build_args, settings)
    check.check(dockerfile, request.builder, request.dockerfile, request.allowed_builders)
    return dockerfile


def _located(request: ResolveInput, use: Use, registry: Registry) -> tuple[ImageReference, ImageReference, Manifest]:
    """The reference to pin, the repository that serves the image, and its manifest."""
    names, where = registry.names, _where(request, use)
    reference = references.rewritten(references.parse(use.image), request.base_rewrites, names)
    references.check_allowed(reference, request.registry.allowed_hosts, names, where)
    located = registry.located(reference)
    if located is None:
        raise StageError(
            Reason.BASE_IMAGE_NOT_FOUND,
            f"{where} names {use.image}, which the registry {reference.host} does not have"
            + (f" ({reference})." if request.base_rewrites else "."),
            f"Correct line {use.instruction.first_line} of {request.dockerfile}, or push {reference} there, "
            f"{REQUEST_AGAIN}",
        )
    place, manifest = located
    # Kaniko uses the same mirrors by itself; another name of the registry must be written for it.
    return (place if names.same(place.host, reference.host) else reference), place, manifest


def _image(request: ResolveInput, use: Use, registry: Registry) -> _Image:
    """The image, for the platform of every build. Raises StageError as `pin`."""
    pinned, place, manifest = _located(request, use, registry)
    image = registry.platform(place, manifest)
    if image is None:
        named = manifests.platforms(manifests.document(place, manifest))
        raise _unusable(request, use, place, f"for {', '.join(named)[:200] or 'no platform'}, not for {PLATFORM}")
    if image.media_type not in manifests.MANIFEST_TYPES:
        raise _unusable(request, use, place, f"as {image.media_type[:100]}, which builders do not read")
    config = registry.config(place, image)
    platform = manifests.platform(config)
    if platform and not is_ours(platform):
        raise _unusable(request, use, place, f"for {platform[:100]}, not for {PLATFORM}")
    return _Image(pinned, manifest, config)


def _unusable(request: ResolveInput, use: Use, place: ImageReference, what: str) -> StageError:
    """The failure for an image that exists, but that nothing here can be built on."""
    line = use.instruction.first_line
    return StageError(
        Reason.BASE_IMAGE_NOT_FOUND,
        f"{_where(request, use)} names {use.image}, which the registry {place.host} has {what}.",
        f"Name an image for {PLATFORM} in line {line} of {request.dockerfile}, or push one there "
        f"(`docker build --platform {PLATFORM}`), {REQUEST_AGAIN}",
    )


def _is_below_the_image(use: Use, instructions: tuple[Instruction, ...]) -> bool:
    return use.instruction.name == "FROM" and use.instruction in copied_files.image_instructions(instructions)


def _where(request: ResolveInput, use: Use) -> str:
    return f"{request.dockerfile}, line {use.instruction.first_line},"
