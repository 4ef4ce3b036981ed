"""Resolve: pins everything that can move, and finds what would fail later. Each check is a function, in this order."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from inference_image_build import hashes, pipeline_config
from inference_image_build.checkpoint import archived
from inference_image_build.checkpoint import label_map as classes
from inference_image_build.checkpoint.pin import Patience, Pinned, pin
from inference_image_build.dockerfile import generated
from inference_image_build.hints import REQUEST_AGAIN
from inference_image_build.images import bases, layers
from inference_image_build.publication import existing_image, repositories, tag_room
from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_build.source import pin as pin_source
from inference_image_build.source.pin import Mounts, PinnedSource
from inference_image_contract import sample, tensorflow_versions
from inference_image_contract.errors import StageError
from inference_image_contract.inputs import InputLock, InputLockRef, PinnedObject, ResolveInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Resolved, fits
from inference_image_store import ArchivedError, Store, etag_of, exported_graph

_MAX_CONFIG = 1024**2
_MAX_LABEL_MAP = 4 * 1024**2
_MAX_FILES_SHOWN = 64
_PATIENCE = Patience()


class _Model(NamedTuple):
    checkpoint: Pinned | None
    """None where a ready graph takes its place, and with it the pipeline config."""
    pipeline_config: PinnedObject | None
    graph: PinnedObject | None
    label_map: PinnedObject
    num_classes: int

    @property
    def files(self) -> tuple[PinnedObject, ...]:
        """What the graph is made from."""
        if self.checkpoint:
            return self.checkpoint.files
        return (self.graph,) if self.graph else ()


def resolve(
    stage: ResolveInput, store: Store, registry: Registry, mounts: Mounts, patience: Patience = _PATIENCE
) -> Resolved:
    """Pins and checks; writes the input lock of what it pinned to UFile. Waits for a checkpoint that is being written.

    Raises StageError: any reason of model, source and registry, and those of the store.
    """
    try:
        archived.check(stage, store)
        return _resolve(stage, store, registry, mounts, patience)
    except ArchivedError as error:
        raise archived.restore(stage, store, error) from error.__cause__


def _resolve(stage: ResolveInput, store: Store, registry: Registry, mounts: Mounts, patience: Patience) -> Resolved:
    model = _ready_graph(stage, store) if stage.frozen_graph else _model(stage, store, patience)
    source = pin_source.pin(stage, store, mounts)
    built_on = bases.pin(stage, source.dockerfile, registry)
    written = references.parse_repository(stage.registry.repository)
    repository = repositories.check_push(stage.registry, registry)
    _check_sample(stage, store)
    input_lock = _input_lock(stage, model, source, built_on.pins)
    image = existing_image.image(registry, repository, input_lock.content_hash)
    repositories.check_tags(stage, registry, input_lock, image.digest if image else "")
    graph = exported_graph(store, stage.output_prefix, input_lock.fingerprint)
    if graph:
        tensorflow_versions.check_demand(stage.readable_by, graph.readable_by)
    if image:
        warnings = layers.check_existing(stage.registry, registry, repository, image.digest)
    else:
        warnings = layers.check(stage, input_lock, graph, built_on.instructions, built_on.layers)
    return _fitting(
        Resolved(
            fingerprint=input_lock.fingerprint,
            content_hash=input_lock.content_hash,
            input_lock=_publish(store, stage.output_prefix, input_lock),
            step=input_lock.step,
            files=model.files[:_MAX_FILES_SHOWN],
            file_count=len(model.files),
            num_classes=model.num_classes,
            context_bytes=sum(item.size for item in source.files) + sum(item.size for item in model.files),
            base_bytes=built_on.size,
            model_bytes=model.checkpoint.model_bytes if model.checkpoint else sum(item.size for item in model.files),
            commit=input_lock.commit.commit if input_lock.commit else "",
            graph=graph,
            image=image,
            registry_host="" if repository.host == written.host else repository.host,
            warnings=(*tag_room.check(stage.registry, registry), *warnings),
        )
    )


def _model(stage: ResolveInput, store: Store, patience: Patience) -> _Model:
    checkpoint = pin(store, stage.prefix, stage.step, patience)
    config, config_text = _text(store, stage.prefix + stage.pipeline_config, _MAX_CONFIG, "spec.model.pipelineConfig")
    counted = pipeline_config.check(config_text, config.key)
    label_map, label_text = _text(store, stage.label_map, _MAX_LABEL_MAP, "spec.model.labelMap")
    classes.check_counts(config.key, counted, label_map.key, classes.label_ids(label_text, label_map.key))
    return _Model(checkpoint, config, None, label_map, counted.number)


def _ready_graph(stage: ResolveInput, store: Store) -> _Model:
    """A graph that somebody else exported; the label map alone says which classes it may answer with."""
    info = store.find(stage.frozen_graph)
    if info is None:
        raise _missing(stage.frozen_graph, "spec.export.frozenGraph.key")
    label_map, text = _text(store, stage.label_map, _MAX_LABEL_MAP, "spec.model.labelMap")
    graph = PinnedObject(key=info.key, size=info.size, etag=info.etag)
    return _Model(None, None, graph, label_map, max(classes.label_ids(text, label_map.key)))


def _text(store: Store, key: str, limit: int, field: str) -> tuple[PinnedObject, str]:
    """A small object, pinned and read."""
    info = store.find(key)
    if info is None:
        raise _missing(key, field)
    data = store.read(key, max_bytes=limit, etag=info.etag)
    return PinnedObject(key=key, size=info.size, etag=info.etag), data.decode("utf-8", errors="replace")


def _check_sample(stage: ResolveInput, store: Store) -> None:
    if not stage.sample:
        return
    info = store.find(stage.sample)
    if info is None:
        raise _missing(stage.sample, "spec.test.sample")
    if info.size > sample.MAX_BYTES:
        raise StageError(
            Reason.LIMIT_EXCEEDED,
            f"The sample picture {stage.sample} has {info.size} bytes, more than {sample.MAX_BYTES}.",
            "Set spec.test.sample to a smaller picture.",
        )


def _fingerprint(stage: ResolveInput, model: _Model) -> str:
    asked = hashes.asked_of_export(stage.formats)
    if model.graph:
        return hashes.graph_fingerprint(model.graph, model.num_classes, stage.input_type, asked)
    if model.pipeline_config is None:
        raise ValueError("a checkpoint without a config")
    return hashes.fingerprint(model.files, stage.prefix, model.pipeline_config, stage.input_type, asked)


def _input_lock(stage: ResolveInput, model: _Model, source: PinnedSource, base_images: Mapping[str, str]) -> InputLock:
    made = source.layout
    fingerprint = _fingerprint(stage, model)
    return InputLock(
        fingerprint=fingerprint,
        content_hash=hashes.content_hash(
            export=fingerprint,
            label_map=model.label_map,
            source=source.files,
            dockerfile=stage.dockerfile,
            checkpoint_dir=stage.checkpoint_dir,
            build_args=stage.build_args,
            base_images={generated.BASE: "".join(base_images.values())} if made else base_images,
            dockerfile_ignored=source.dockerfile_ignored,
            generated=generated.digest(made) if made else "",
        ),
        step=model.checkpoint.step if model.checkpoint else None,
        checkpoint=model.checkpoint.files if model.checkpoint else (),
        pipeline_config=model.pipeline_config,
        frozen_graph=model.graph,
        label_map=model.label_map,
        num_classes=model.num_classes,
        source=source.files,
        dockerfile=stage.dockerfile,
        dockerfile_ignored=source.dockerfile_ignored,
        generated_dockerfile=source.dockerfile.decode() if made else "",
        archive=source.tree.archive,
        commit=source.tree.commit,
        base_images=dict(base_images),
    )


def _publish(store: Store, output_prefix: str, input_lock: InputLock) -> InputLockRef:
    """Writes the input lock unless it is there; also proves that the results can be written.

    Equal content from two places has two input locks, so the name tells both the content and the bytes.
    """
    data = msgspec.json.encode(input_lock, order="sorted")
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"{output_prefix}resolved/{hashes.hex_of(input_lock.content_hash)}-{sha256[:16]}.json"
    there = store.find(key)
    if there is None or there.etag != etag_of(data):
        store.write(data, key)
    return InputLockRef(key=key, sha256=sha256)


def _fitting(result: Resolved) -> Resolved:
    """The result with as much as a termination message carries; `file_count` stays the true number."""
    while result.files and not fits(result):
        result = msgspec.structs.replace(result, files=result.files[:-1])
    while result.warnings and not fits(result):
        result = msgspec.structs.replace(result, warnings=result.warnings[:-1])
    return result


def _missing(key: str, field: str) -> StageError:
    return StageError(
        Reason.OBJECT_NOT_FOUND,
        f"There is no object {key} in the bucket ({field}).",
        f"Correct {field}, or upload {key}, {REQUEST_AGAIN}",
    )
