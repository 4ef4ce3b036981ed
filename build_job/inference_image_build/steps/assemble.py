"""Assemble: makes the build context from pinned sources only, and the Dockerfile with pinned images beside it."""

import os
import shutil
from functools import partial
from pathlib import Path, PurePosixPath

from inference_image_build.dockerfile import generated, ignore, parse
from inference_image_build.source import files
from inference_image_build.source.pin import Mounts
from inference_image_build.source.write import download, place_source
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import AssembleInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Assembled
from inference_image_store import Store, Wanted, fetch_result, read_input_lock


def assemble(stage: AssembleInput, store: Store, context: Path, pinned_dockerfile: Path, mounts: Mounts) -> Assembled:
    """Writes `context`, and `pinned_dockerfile` with an empty .dockerignore of its own.

    An unfinished context of an earlier run is removed first.

    Raises StageError: `SourceChanged` when anything is not as it was pinned, `ObjectCorrupt` for the graph, and those
    of the store.
    """
    input_lock = read_input_lock(store, stage.input_lock)
    if context.exists():
        shutil.rmtree(context)
    context.mkdir(parents=True)
    place_source(stage, input_lock, store, mounts, partial(_target, context))
    checkpoint_dir = PurePosixPath(generated.WEIGHTS if input_lock.generated_dockerfile else stage.checkpoint_dir)
    fetch_result(store, stage.graph, _target(context, str(checkpoint_dir / files.GRAPH_NAME)))
    if stage.graph.onnx:
        fetch_result(store, stage.graph.onnx, _target(context, str(checkpoint_dir / files.ONNX_NAME)))
    label_map = input_lock.label_map
    target = _target(context, str(checkpoint_dir / files.LABEL_MAP_NAME))
    download(store, [Wanted(label_map.key, target, label_map.etag, label_map.size)])
    data = input_lock.generated_dockerfile.encode() or (context / input_lock.dockerfile).read_bytes()
    if input_lock.dockerfile_ignored:
        (context / input_lock.dockerfile).unlink()
    # The context's own .dockerignore has been honoured; it must not take away the graph that was added since.
    pinned_dockerfile.with_name(pinned_dockerfile.name + ignore.NAME).write_bytes(b"")
    pinned_dockerfile.write_bytes(parse.pin(data, stage.build_args, input_lock.base_images, input_lock.dockerfile))
    return _normalise(context)


def _target(context: Path, path: str) -> Path:
    """The file for a path of the context, its folder made. Paths were checked when they were pinned; trust none."""
    if fault := files.path_fault(path):
        raise StageError(Reason.UNSAFE_KEY, f"The path {path!r} {fault}.", "Rename it and upload the source again.")
    target = context.joinpath(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _normalise(context: Path) -> Assembled:
    """Gives every file and folder one mode and the time 0, so that equal content makes equal layers."""
    size = count = 0
    for parent, _, names in os.walk(context, topdown=False):
        for path in (Path(parent, name) for name in names):
            path.chmod(0o644)
            os.utime(path, (0, 0))
            size, count = size + path.stat().st_size, count + 1
        Path(parent).chmod(0o755)
        os.utime(parent, (0, 0))
    return Assembled(context_bytes=size, file_count=count)
