"""Assemble: writes the build context from pinned inputs only, and next to it the Dockerfile with pinned images."""

import os
import shutil
from collections.abc import Collection
from functools import partial
from pathlib import Path, PurePosixPath

from inference_image_build.builders import check
from inference_image_build.builders.kaniko.copy import RefusedError
from inference_image_build.builders.kaniko.rewrite import Rewritten, rewrite
from inference_image_build.builders.sources import MissingError
from inference_image_build.dockerfile import generated, ignore, parse
from inference_image_build.source import files
from inference_image_build.source.pin import Mounts
from inference_image_build.source.write import download, place_source
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import AssembleInput, InputLock
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Assembled
from inference_image_contract.text_encoding import without_mark
from inference_image_store import Store, Wanted, fetch_result, read_input_lock


def assemble(request: AssembleInput, store: Store, context: Path, pinned_dockerfile: Path, mounts: Mounts) -> Assembled:
    """Writes `context`, and `pinned_dockerfile` with its own empty .dockerignore.

    Removes an unfinished context of an earlier attempt first.

    Raises StageError: `SourceChanged` when anything differs from what was pinned, `ObjectCorrupt` for the graph, and
    those of the store.
    """
    input_lock = read_input_lock(store, request.input_lock)
    if context.exists():
        shutil.rmtree(context)
    context.mkdir(parents=True)
    place_source(request, input_lock, store, mounts, partial(_target, context))
    checkpoint_dir = PurePosixPath(generated.WEIGHTS if input_lock.generated_dockerfile else request.checkpoint_dir)
    fetch_result(store, request.graph, _target(context, str(checkpoint_dir / files.GRAPH_NAME)))
    if request.graph.onnx:
        fetch_result(store, request.graph.onnx, _target(context, str(checkpoint_dir / files.ONNX_NAME)))
    label_map = input_lock.label_map
    target = _target(context, str(checkpoint_dir / files.LABEL_MAP_NAME))
    download(store, [Wanted(label_map.key, target, label_map.etag, label_map.size)])
    # Readers of label maps, such as the Object Detection API's, stop at the byte order mark that Windows editors write.
    target.write_bytes(without_mark(target.read_bytes()))
    data = input_lock.generated_dockerfile.encode() or (context / input_lock.dockerfile).read_bytes()
    if input_lock.dockerfile_ignored:
        (context / input_lock.dockerfile).unlink()
    found = _normalise(context, {context / item.path for item in input_lock.source if item.executable})
    made = Rewritten(parse.pin(data, request.build_args, input_lock.base_images, input_lock.dockerfile).decode(), "")
    if request.builder == "Kaniko":
        made = _for_kaniko(made.dockerfile, request, input_lock, context)
    pinned_dockerfile.write_text(made.dockerfile, newline="")
    # Resolve has applied the context's own .dockerignore; it must not exclude the graph that is added here.
    pinned_dockerfile.with_name(pinned_dockerfile.name + ignore.NAME).write_text(made.ignore)
    return found


def _for_kaniko(pinned: str, request: AssembleInput, input_lock: InputLock, context: Path) -> Rewritten:
    """The Dockerfile that Kaniko builds right. Adds the files that it needs to the context."""
    name, args = input_lock.dockerfile, request.build_args
    settings = {
        pin: input_lock.base_settings[image]
        for image, pin in input_lock.base_images.items()
        if image in input_lock.base_settings
    }
    dockerfile = check.read(pinned.encode(), name, args, settings)
    try:
        return rewrite(dockerfile, pinned, args, context)
    except RefusedError as error:
        raise check.refused_late(dockerfile, error.use, "Kaniko", name) from error
    except MissingError as error:
        raise check.source_missing(error) from error
    except ValueError as error:
        raise parse.invalid(name, str(error)) from error


def _target(context: Path, path: str) -> Path:
    """The file for a path in the context; creates its folder. Paths were checked on pinning, but are checked again."""
    if fault := files.path_fault(path):
        raise StageError(
            Reason.UNSAFE_KEY, f"The path {path!r} {fault}.", "Rename the file and upload the source again."
        )
    target = context.joinpath(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _normalise(context: Path, executables: Collection[Path]) -> Assembled:
    """Gives files and folders fixed modes and the time 0, so that equal content makes equal layers."""
    size = count = 0
    for parent, _, names in os.walk(context, topdown=False):
        for path in (Path(parent, name) for name in names):
            path.chmod(0o755 if path in executables else 0o644)
            os.utime(path, (0, 0))
            size, count = size + path.stat().st_size, count + 1
        Path(parent).chmod(0o755)
        os.utime(parent, (0, 0))
    return Assembled(context_bytes=size, file_count=count)
