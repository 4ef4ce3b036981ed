"""Finds layers that exceed a registry's limit, before the build if that is certain. Pure."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from inference_image_build.dockerfile.copied_files import Copied, File
from inference_image_build.publication import repositories
from inference_image_build.registry.copy import Descriptor
from inference_image_build.registry.references import ImageReference
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import Registry, RegistryLimit
from inference_image_contract.reasons import Reason
from inference_image_contract.results import StageWarning

_DENSE = (
    *(".pb", ".onnx", ".tflite", ".h5", ".hdf5", ".keras", ".npy", ".npz", ".pt", ".pth", ".bin", ".safetensors"),
    *(".gz", ".tgz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".whl", ".jar"),
    *(".jpg", ".jpeg", ".png", ".webp", ".gif", ".mp4", ".mp3"),
)
"""Weights, archives and media, which compression hardly shrinks."""
_LEAST = 0.8
"""Smallest share of its size that such a file keeps; float32 weights keep more than 0.9."""
GRAPH_BYTES = 2 * 1024**3
"""A frozen graph is not larger: it is a protocol buffer."""
_LARGEST = 3


class BaseLayer(NamedTuple):
    """A layer of a base image."""

    image: ImageReference
    line: int
    blob: Descriptor


def strictest(where: Registry) -> RegistryLimit:
    """The smallest layer limit of all registries that get the image; 0 bytes if none has a limit."""
    limits = (where.limit(repository.host) for repository in repositories.repositories(where))
    found = [limit for limit in limits if limit.layer_bytes]
    return min(found, key=lambda limit: limit.layer_bytes, default=RegistryLimit(host=""))


def source_file(path: str, size: int) -> File:
    """A file of the source."""
    name = PurePosixPath(path).name.lower()
    dense = name.endswith(_DENSE) or ".data-" in name
    return File(path, size, int(size * _LEAST) if dense else 0)


def graph_file(path: str, size: int, weights: int) -> File:
    """A graph. Before the export, `size` is 0 and `weights` are the bytes of the checkpoint's data.

    A checkpoint stores each weight up to four times: with two optimizer slots and a moving average.
    """
    if size:
        return File(path, size, int(size * _LEAST))
    return File(path, min(weights, GRAPH_BYTES), int(min(weights / 4, GRAPH_BYTES) * _LEAST))


def check_copied(found: Iterable[Copied], limit: RegistryLimit, dockerfile: str, apart: str) -> Iterator[StageWarning]:
    """A warning for each layer that may exceed the limit. Raises StageError (`LayerTooLarge`) for one that will.

    `apart` is the folder whose files get layers of their own, empty for none.
    """
    for instruction, files in found:
        for layer in _apart(files, apart):
            size, least = sum(file.size for file in layer), sum(file.least for file in layer)
            if size <= limit.layer_bytes:
                continue
            where = f"{dockerfile}, line {instruction.first_line}: {instruction.name} puts"
            remedy = _split(layer, limit, f"line {instruction.first_line} of {dockerfile}")
            names = _names(layer)
            if least > limit.layer_bytes:
                raise StageError(
                    Reason.LAYER_TOO_LARGE,
                    f"{where} {size} bytes into one layer, at least {least} after compression; {_takes(limit)}. "
                    f"The largest files: {names}.",
                    f"{remedy}, {REQUEST_AGAIN}",
                )
            message = (
                f"{where} up to {size} bytes into one layer, and {_takes(limit)}. The largest files: {names}. {remedy}."
            )
            yield StageWarning(Reason.LAYER_MAY_BE_TOO_LARGE.value, message)


def check_base(layers: Iterable[BaseLayer], where: Registry, limit: RegistryLimit) -> Iterator[StageWarning]:
    """The same for base images; a layer that the limiting registry serves already causes only a warning.

    Raises StageError (`LayerTooLarge`).
    """
    for layer in layers:
        if layer.blob.size <= limit.layer_bytes:
            continue
        text = f"The base image {layer.image.repository} has a layer of {layer.blob.size} bytes ({layer.blob.digest})"
        remedy = "Use a base image with smaller layers: split the RUN or COPY that made this layer"
        if not where.names().same(layer.image.host, limit.host):
            raise StageError(Reason.LAYER_TOO_LARGE, f"{text}; {_takes(limit)}.", f"{remedy}, {REQUEST_AGAIN}")
        message = f"{text}, and {_takes(limit)}. {remedy}."
        yield StageWarning(Reason.LAYER_MAY_BE_TOO_LARGE.value, message)


def check_made(created_by: str, size: int, limit: RegistryLimit) -> None:
    """Refuses a layer that is built but not pushed yet. Raises StageError (`LayerTooLarge`)."""
    if limit.layer_bytes and size > limit.layer_bytes:
        raise StageError(
            Reason.LAYER_TOO_LARGE,
            f"{created_by[:200]} makes a layer of {size} bytes after compression; {_takes(limit)}.",
            f"Split it into several instructions, so that its files get separate layers, {REQUEST_AGAIN}",
        )


def check_pushed(layers: Iterable[Descriptor], where: Registry) -> Iterator[StageWarning]:
    """A warning for layers that the registry accepted although they exceed its limit.

    Raises StageError (`LayerTooLarge`) when they exceed the limit of a further registry of this image.
    """
    largest = max(layers, key=lambda layer: layer.size, default=Descriptor("", 0))
    first, *others = repositories.repositories(where)
    for repository in (first, *others):
        limit = where.limit(repository.host)
        if not limit.layer_bytes or largest.size <= limit.layer_bytes:
            continue
        if where.names().same(repository.host, first.host):
            message = (
                f"The layer {largest.digest} has {largest.size} bytes, and {_takes(limit)}. This push "
                "succeeded, but the next may fail. Split the largest COPY or ADD of the Dockerfile into several."
            )
            yield StageWarning(Reason.LAYER_MAY_BE_TOO_LARGE.value, message)
            return
        check_made(f"The layer {largest.digest} of the image", largest.size, limit)


def _apart(files: tuple[File, ...], folder: str) -> tuple[tuple[File, ...], tuple[File, ...]]:
    """The files in the folder, and the others."""
    inside = {file.path for file in files if folder and PurePosixPath(file.path).is_relative_to(folder)}
    return (
        tuple(file for file in files if file.path in inside),
        tuple(file for file in files if file.path not in inside),
    )


def _takes(limit: RegistryLimit) -> str:
    return f"{limit.host} accepts layers of at most {limit.layer_bytes} bytes"


def _names(layer: tuple[File, ...]) -> str:
    largest = sorted(layer, key=lambda file: -file.size)[:_LARGEST]
    return ", ".join(f"{file.path} ({file.size} bytes)" for file in largest)


def _split(layer: tuple[File, ...], limit: RegistryLimit, line: str) -> str:
    single = max(layer, key=lambda file: file.least)
    if single.least > limit.layer_bytes:
        return f"Keep {single.path} out of the image, or split the file: it alone exceeds the limit of a layer"
    return f"Split {line} into several instructions, so that the largest files get separate layers"
