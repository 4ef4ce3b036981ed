"""Resolve: pins everything that can change, and finds early what would fail later. One function per check."""

import hashlib
from typing import NamedTuple

import msgspec

from inference_image_build import hashes, pipeline_config
from inference_image_build.builders import missing
from inference_image_build.checkpoint import archived
from inference_image_build.checkpoint.label_map import check_counts, label_ids
from inference_image_build.checkpoint.pin import Pinned, WaitPolicy, pin
from inference_image_build.checkpoint.select import Wanted
from inference_image_build.dockerfile import generated
from inference_image_build.images import bases, layers
from inference_image_build.publication import existing_image, repositories, tag_room
from inference_image_build.registry import references
from inference_image_build.registry.client import Registry
from inference_image_build.source import files
from inference_image_build.source import pin as pin_source
from inference_image_build.source.pin import Mounts, PinnedSource
from inference_image_contract import graph_keys, sample, tensorflow_versions
from inference_image_contract.content import content_hash
from inference_image_contract.errors import StageError
from inference_image_contract.hints import REQUEST_AGAIN
from inference_image_contract.inputs import InputLock, InputLockRef, PinnedObject, ResolveInput
from inference_image_contract.reasons import Reason
from inference_image_contract.results import Resolved, fits
from inference_image_store import ArchivedError, Store, etag_of, exported_graph

_MAX_CONFIG = 1024**2
_MAX_LABEL_MAP = 4 * 1024**2
_MAX_FILES_SHOWN = 64
_WAIT_POLICY = WaitPolicy()


class _Model(NamedTuple):
    checkpoint: Pinned | None
    """None for an imported graph, which needs no pipeline config either."""
    pipeline_config: PinnedObject | None
    graph: PinnedObject | None
    label_map: PinnedObject
    num_classes: int

    @property
    def files(self) -> tuple[PinnedObject, ...]:
        """The objects that the graph is made from."""
        if self.checkpoint:
            return self.checkpoint.files
        return (self.graph,) if self.graph else ()


def resolve(
    request: ResolveInput, store: Store, registry: Registry, mounts: Mounts, wait_policy: WaitPolicy = _WAIT_POLICY
) -> Resolved:
    """Pins and checks the inputs and writes the input lock to UFile. Waits for a checkpoint that is being written.

    Raises StageError: any reason of model, source and registry, and those of the store.
    """
    try:
        archived.check(request, store)
        return _resolve(request, store, registry, mounts, wait_policy)
    except ArchivedError as error:
        raise archived.restore(request, store, error) from error.__cause__


def _resolve(
    request: ResolveInput, store: Store, registry: Registry, mounts: Mounts, wait_policy: WaitPolicy
) -> Resolved:
    model = _imported_graph(request, store) if request.frozen_graph else _model(request, store, wait_policy)
    source = pin_source.pin(request, store, mounts)
    built_on = bases.pin(request, source.dockerfile, registry)
    _check_copied(request, source, built_on)
    written = references.parse_repository(request.registry.repository)
    repository = repositories.check_push(request.registry, registry)
    sample_etag = _sample(request, store)
    input_lock = _input_lock(request, model, source, built_on)
    made = request.exports.get(input_lock.fingerprint, "")
    graph = exported_graph(store, request.output_prefix, input_lock.fingerprint, made) if made else None
    content = content_hash(input_lock.inputs_hash, graph) if graph else ""
    image = existing_image.image(registry, repository, content, request.images)
    repositories.check_tags(request, registry, input_lock.step, content, image.digest if image else "")
    if graph:
        tensorflow_versions.check_demand(request.readable_by, graph.readable_by)
    if image:
        warnings = layers.check_existing(request.registry, registry, repository, image.digest)
    else:
        warnings = layers.check(request, input_lock, graph, built_on.dockerfile.instructions, built_on.layers)
    return _fitting(
        Resolved(
            fingerprint=input_lock.fingerprint,
            inputs_hash=input_lock.inputs_hash,
            input_lock=_publish(store, request.output_prefix, input_lock),
            step=input_lock.step,
            checkpoint_name=input_lock.checkpoint_name,
            files=model.files[:_MAX_FILES_SHOWN],
            file_count=len(model.files),
            num_classes=model.num_classes,
            context_bytes=sum(item.size for item in source.files) + sum(item.size for item in model.files),
            base_bytes=built_on.size,
            model_bytes=model.checkpoint.model_bytes if model.checkpoint else sum(item.size for item in model.files),
            commit=input_lock.commit.commit if input_lock.commit else "",
            graph=graph,
            image=image,
            sample_etag=sample_etag,
            registry_host="" if repository.host == written.host else repository.host,
            warnings=(*tag_room.check(request.registry, registry), *warnings),
        )
    )


def _model(request: ResolveInput, store: Store, wait_policy: WaitPolicy) -> _Model:
    checkpoint = pin(store, Wanted(request.prefix, request.step, request.checkpoint_name), wait_policy)
    config, config_data = _read(
        store, request.prefix + request.pipeline_config, _MAX_CONFIG, "spec.model.pipelineConfig"
    )
    counted = pipeline_config.check(config_data, config.key)
    label_map, label_data = _read(store, request.label_map, _MAX_LABEL_MAP, "spec.model.labelMap")
    check_counts(config.key, counted, label_map.key, label_ids(label_data, label_map.key))
    return _Model(checkpoint, config, None, label_map, counted.number)


def _imported_graph(request: ResolveInput, store: Store) -> _Model:
    """The imported graph; its number of classes is the highest id of the label map."""
    info = store.find(request.frozen_graph)
    if info is None:
        raise _missing(request.frozen_graph, "spec.export.frozenGraph.key")
    label_map, data = _read(store, request.label_map, _MAX_LABEL_MAP, "spec.model.labelMap")
    graph = PinnedObject(key=info.key, size=info.size, etag=info.etag)
    return _Model(None, None, graph, label_map, max(label_ids(data, label_map.key)))


def _read(store: Store, key: str, limit: int, field: str) -> tuple[PinnedObject, bytes]:
    """A small object, pinned and read."""
    info = store.find(key)
    if info is None:
        raise _missing(key, field)
    data = store.read(key, max_bytes=limit, etag=info.etag)
    return PinnedObject(key=key, size=info.size, etag=info.etag), data


def _check_copied(request: ResolveInput, source: PinnedSource, built_on: bases.Bases) -> None:
    """Refuses a Dockerfile that copies what the context will not have."""
    own = {request.dockerfile} if source.dockerfile_ignored else set()
    paths = {item.path for item in source.files} - own
    folder = generated.WEIGHTS if source.layout else request.checkpoint_dir
    ignored = {item.path for item in source.tree.files} - paths
    context = paths | files.assembled(folder, request.formats)
    missing.check(built_on.dockerfile, context, ignored, request.dockerfile)


def _sample(request: ResolveInput, store: Store) -> str:
    """The ETag of the sample; empty without one."""
    if not request.sample:
        return ""
    info = store.find(request.sample)
    if info is None:
        raise _missing(request.sample, "spec.test.sample")
    if info.size > sample.MAX_BYTES:
        raise StageError(
            Reason.LIMIT_EXCEEDED,
            f"The sample picture {request.sample} has {info.size} bytes; the limit is {sample.MAX_BYTES}.",
            "Set spec.test.sample to a smaller picture.",
        )
    return info.etag


def _fingerprint(request: ResolveInput, model: _Model) -> str:
    options = hashes.export_options(request.formats)
    if model.graph:
        return hashes.graph_fingerprint(model.graph, model.num_classes, request.input_type, options)
    if model.pipeline_config is None:
        raise ValueError("a checkpoint without a pipeline config")
    return hashes.fingerprint(model.files, request.prefix, model.pipeline_config, request.input_type, options)


def _input_lock(request: ResolveInput, model: _Model, source: PinnedSource, built_on: bases.Bases) -> InputLock:
    made, base_images = source.layout, built_on.pins
    fingerprint = _fingerprint(request, model)
    return InputLock(
        fingerprint=fingerprint,
        inputs_hash=hashes.inputs_hash(
            export=fingerprint,
            label_map=model.label_map,
            source=source.files,
            dockerfile=request.dockerfile,
            checkpoint_dir=request.checkpoint_dir,
            build_args=request.build_args,
            base_images={generated.BASE: "".join(base_images.values())} if made else base_images,
            dockerfile_ignored=source.dockerfile_ignored,
            generated=generated.digest(made) if made else "",
        ),
        step=model.checkpoint.step if model.checkpoint else None,
        checkpoint_name=model.checkpoint.name if model.checkpoint and model.checkpoint.step is None else "",
        checkpoint=model.checkpoint.files if model.checkpoint else (),
        pipeline_config=model.pipeline_config,
        frozen_graph=model.graph,
        label_map=model.label_map,
        num_classes=model.num_classes,
        source=source.files,
        dockerfile=request.dockerfile,
        dockerfile_ignored=source.dockerfile_ignored,
        generated_dockerfile=source.dockerfile.decode() if made else "",
        archive=source.tree.archive,
        commit=source.tree.commit,
        base_images=dict(base_images),
        base_settings=built_on.settings,
    )


def _publish(store: Store, output_prefix: str, input_lock: InputLock) -> InputLockRef:
    """Writes the input lock unless it exists. This also proves that results can be written.

    Equal content from two locations has two input locks, so the name contains both the inputs hash and the SHA-256.
    """
    data = msgspec.json.encode(input_lock, order="sorted")
    sha256 = hashlib.sha256(data).hexdigest()
    key = f"{output_prefix}resolved/{hashes.hex_of(input_lock.inputs_hash)}-{sha256[:16]}.json"
    there = store.find(key)
    if there is None or there.etag != etag_of(data):
        store.write(data, key)
    return InputLockRef(key=key, sha256=sha256)


def _fitting(result: Resolved) -> Resolved:
    """The result, shortened to fit into a termination message; `file_count` keeps the full count."""
    if result.graph and not fits(result):
        result = msgspec.structs.replace(result, graph=graph_keys.relative(result.graph))
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
