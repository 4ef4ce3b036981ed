"""Pins every image that a Dockerfile pulls, and looks at what it is built on."""

from typing import NamedTuple

from inference_image_build.append import supported
from inference_image_build.dockerfile import copied_files, parse
from inference_image_build.dockerfile.parse import Use
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.images import base_tensorflow, layers
from inference_image_build.images.layer_limit import BaseLayer
from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_build.registry.manifests import Manifest
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import ResolveInput
from inference_image_contract.reasons import Reason


class Bases(NamedTuple):
    """What a Dockerfile is built on."""

    instructions: tuple[Instruction, ...]
    """Of the Dockerfile."""
    pins: dict[str, str]
    """FROM reference as written, after ARG substitution -> the image that is pulled for it, by digest."""
    size: int
    """Compressed bytes of all of them."""
    layers: tuple[BaseLayer, ...]
    """Those whose size a registry limits."""


def pin(stage: ResolveInput, data: bytes, registry: Registry) -> Bases:
    """Pins the images of the Dockerfile `data`.

    Raises StageError: `DockerfileInvalid`, `BuilderUnsupported`, `RegistryNotAllowed`, `BaseImageNotFound`,
    `GraphIncompatible`, and those of the registry.
    """
    instructions = parse.read(data, stage.dockerfile)
    if stage.builder == "Append":
        supported.check(instructions, stage.dockerfile)
    pins: dict[str, str] = {}
    size = 0
    found: list[BaseLayer] = []
    for use in parse.images(instructions, stage.build_args, stage.dockerfile):
        if use.image in pins:
            continue
        pinned, place, manifest = _located(stage, use, registry)
        pins[use.image] = pinned.pinned(manifest.digest)
        size += registry.size(pinned, manifest)
        if _is_below_the_image(use, instructions):
            told = base_tensorflow.told(use.image, registry.config(place, manifest))
            base_tensorflow.check(told, stage.input_type, stage.readable_by, use.image, _where(stage, use))
        blobs = registry.layers(pinned, manifest) if layers.are_limited(stage.registry, use, instructions) else ()
        found += [BaseLayer(pinned, use.instruction.first_line, blob) for blob in blobs]
    return Bases(instructions, pins, size, tuple(found))


def _located(stage: ResolveInput, use: Use, registry: Registry) -> tuple[ImageReference, ImageReference, Manifest]:
    """What the image is pinned as, where it was found, and its manifest."""
    names, where = registry.names, _where(stage, use)
    reference = references.rewritten(references.parse(use.image), stage.base_rewrites, names)
    references.check_allowed(reference, stage.registry.allowed_hosts, names, where)
    located = registry.located(reference)
    if located is None:
        raise StageError(
            Reason.BASE_IMAGE_NOT_FOUND,
            f"{where} names {use.image}, which the registry {reference.host} does not have"
            + (f" ({reference})." if stage.base_rewrites else "."),
            f"Correct line {use.instruction.first_line} of {stage.dockerfile}, or push {reference} there, "
            f"{REQUEST_AGAIN}",
        )
    place, manifest = located
    # A mirror serves it to Kaniko as well; another name of the registry is to be asked by Kaniko, too.
    return (place if names.same(place.host, reference.host) else reference), place, manifest


def _is_below_the_image(use: Use, instructions: tuple[Instruction, ...]) -> bool:
    return use.instruction.name == "FROM" and use.instruction in copied_files.image_instructions(instructions)


def _where(stage: ResolveInput, use: Use) -> str:
    return f"{stage.dockerfile}, line {use.instruction.first_line},"
