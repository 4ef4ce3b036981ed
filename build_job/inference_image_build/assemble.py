"""Assemble: makes the build context from pinned sources only, and the Dockerfile with pinned images beside it."""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from inference_image_build import dockerfile, source
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import AssembleInput, PinnedFile, StoredFile
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Assembled
from inference_image_store import Store, Wanted, read_manifest

_CHUNK = 1024**2


def assemble(stage: AssembleInput, store: Store, context: Path, pinned_dockerfile: Path, config_map: Path) -> Assembled:
    """Writes `context` and `pinned_dockerfile`. An unfinished context of an earlier run is removed first.

    Raises StageError: `SourceChanged` when anything is not as it was pinned, `ObjectCorrupt` for the graph, and those
    of the store.
    """
    manifest = read_manifest(store, stage.manifest)
    if context.exists():
        shutil.rmtree(context)
    context.mkdir(parents=True)
    for item in manifest.source:
        if not item.key:
            _copy(item, context, source.config_map_folder(config_map))
    checkpoint_dir = PurePosixPath(stage.checkpoint_dir)
    _result(stage.graph, store, _target(context, str(checkpoint_dir / source.GRAPH_NAME)))
    if stage.graph.onnx:
        _result(stage.graph.onnx, store, _target(context, str(checkpoint_dir / source.ONNX_NAME)))
    label_map = manifest.label_map
    wanted = [
        Wanted(item.key, _target(context, item.path), item.etag, item.size) for item in manifest.source if item.key
    ]
    target = _target(context, str(checkpoint_dir / source.LABEL_MAP_NAME))
    _download(store, [*wanted, Wanted(label_map.key, target, label_map.etag, label_map.size)])
    data = (context / manifest.dockerfile).read_bytes()
    pinned_dockerfile.write_bytes(dockerfile.pin(data, stage.build_args, manifest.base_images, manifest.dockerfile))
    return _normalise(context)


def _copy(item: PinnedFile, context: Path, config_map: Path) -> None:
    target = _target(context, item.path)
    try:
        data = (config_map / item.path).read_bytes()
    except OSError:
        data = b""
    if len(data) != item.size or hashlib.sha256(data).hexdigest() != item.sha256:
        raise _changed(f"The file {item.path} of the ConfigMap")
    target.write_bytes(data)


def _download(store: Store, wanted: Sequence[Wanted]) -> None:
    """Pinned objects; one that is gone has changed, too."""
    try:
        store.download_all(wanted)
    except StageError as error:
        if error.reason is Reason.OBJECT_NOT_FOUND:
            raise _changed(f"{error.message.removesuffix('.')} any more: the source") from error
        raise


def _result(stored: StoredFile, store: Store, target: Path) -> None:
    """What the export left, as it was verified."""
    store.download(stored.key, target, size=stored.size)
    digest = hashlib.sha256()
    with target.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    if digest.hexdigest() != stored.sha256:
        raise StageError(
            Reason.OBJECT_CORRUPT,
            f"The export's result {stored.key} has the SHA-256 {digest.hexdigest()}, verified was {stored.sha256}.",
            "Let nothing else write below spec.export.outputPrefix; delete the object to have it exported again.",
        )


def _target(context: Path, path: str) -> Path:
    """The file for a path of the context, its folder made. Paths were checked when they were pinned; trust none."""
    if fault := source.path_fault(path):
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


def _changed(what: str) -> StageError:
    return StageError(
        Reason.SOURCE_CHANGED,
        f"{what} is not what it was when it was resolved.",
        "Nothing to do: everything is resolved again. Do not change the source while it is being built.",
    )
