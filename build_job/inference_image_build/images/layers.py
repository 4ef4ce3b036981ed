"""Checks the layers that an image will have against the limits of its registries, in the Resolve stage."""

from pathlib import PurePosixPath

from inference_image_build.dockerfile import copied_files, generated
from inference_image_build.dockerfile.copied_files import File
from inference_image_build.dockerfile.parse import Use
from inference_image_build.dockerfile.rules import Instruction
from inference_image_build.images import layer_limit
from inference_image_build.images.layer_limit import BaseLayer
from inference_image_build.registry.client import Registry
from inference_image_build.registry.references import ImageReference
from inference_image_build.source import files as source
from inference_image_contract import inputs
from inference_image_contract.results import StageWarning

_ONNX = "ONNX"


def are_limited(where: inputs.Registry, use: Use, instructions: tuple[Instruction, ...]) -> bool:
    """Whether the layers of this base become layers of the image and a registry limits their size."""
    return (
        use.instruction.name == "FROM"
        and bool(layer_limit.strictest(where).layer_bytes)
        and use.instruction in copied_files.image_instructions(instructions)
    )


def check(
    request: inputs.ResolveInput,
    input_lock: inputs.InputLock,
    graph: inputs.Graph | None,
    instructions: tuple[Instruction, ...],
    bases: tuple[BaseLayer, ...],
) -> tuple[StageWarning, ...]:
    """Warnings for layers that may be too large. Raises StageError (`LayerTooLarge`) for one that certainly is."""
    limit = layer_limit.strictest(request.registry)
    if not limit.layer_bytes:
        return ()
    checkpoint_dir = generated.WEIGHTS if input_lock.generated_dockerfile else request.checkpoint_dir
    found = copied_files.copied(instructions, _context(request, input_lock, graph, checkpoint_dir), request.build_args)
    apart = checkpoint_dir if request.builder == "Append" else ""
    return (
        *layer_limit.check_base(bases, request.registry, limit),
        *layer_limit.check_copied(found, limit, request.dockerfile, apart),
    )


def check_existing(
    where: inputs.Registry, registry: Registry, repository: ImageReference, digest: str
) -> tuple[StageWarning, ...]:
    """The same for an image that exists already: further registries may have to accept it."""
    if not layer_limit.strictest(where).layer_bytes:
        return ()
    manifest = registry.manifest(repository, digest)
    return tuple(layer_limit.check_pushed(registry.layers(repository, manifest), where)) if manifest else ()


def _context(
    request: inputs.ResolveInput, input_lock: inputs.InputLock, graph: inputs.Graph | None, checkpoint_dir: str
) -> list[File]:
    """The files that `assemble` will write, as far as they are known before the export."""
    folder = PurePosixPath(checkpoint_dir)
    imported = input_lock.frozen_graph.size if input_lock.frozen_graph else 0
    weights = sum(item.size for item in input_lock.checkpoint if ".data-" in item.key)
    files = [layer_limit.source_file(item.path, item.size) for item in input_lock.source]
    files.append(layer_limit.graph_file(str(folder / source.GRAPH_NAME), graph.size if graph else imported, weights))
    if _ONNX in request.formats:
        onnx = graph.onnx.size if graph and graph.onnx else 0
        files.append(layer_limit.graph_file(str(folder / source.ONNX_NAME), onnx, weights))
    return files
