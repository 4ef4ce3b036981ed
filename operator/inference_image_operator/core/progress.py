"""What a finished stage writes into the status, and which stage follows."""

import math

from msgspec.structs import asdict, replace

from inference_image_contract import inputs, results
from inference_image_contract.content import content_hash
from inference_image_contract.hints import explanation
from inference_image_contract.reasons import Reason
from inference_image_operator.api import (
    BuiltStatus,
    CheckpointFile,
    CheckpointStatus,
    FrozenGraphStatus,
    HistoryEntry,
    ImageStatus,
    InputLockStatus,
    OnnxStatus,
    ProducedImage,
    SourceStatus,
    StoredFileStatus,
    Timings,
    described,
    format_duration,
    pinned,
)
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.api.stages import Stage
from inference_image_operator.core import failure, latest, produced
from inference_image_operator.core.draft import Draft
from inference_image_operator.diagnosis.outcomes import Done
from inference_image_operator.jobs.sizing import memory

MAX_FILES = 64
MAX_HISTORY = 10


def record(draft: Draft, stage: Stage, done: Done) -> None:
    """Writes a stage's result into the draft and claims the next stage, or ends the run as Ready."""
    timings = draft.status.timings or Timings()
    draft.update(timings=replace(timings, **{stage.lower(): format_duration(math.ceil(done.seconds))}))
    match done.result:
        case results.Resolved() as resolved:
            _resolved(draft, resolved)
        case results.Exported() as exported:
            _exported(draft, exported)
        case results.Built() as built:
            _built(draft, built)
        case results.Probed() as probed:
            _tested(draft, probed)
        case results.Published() as published:
            _published(draft, published)
        case other:
            raise TypeError(f"{type(other).__name__} is not the result of a stage")
    if done.injected:
        _warn(draft, stage, (results.StageWarning(reason=Reason.CONTAINER_INJECTED.value, message=done.injected),))


def _resolved(draft: Draft, result: results.Resolved) -> None:
    if older := latest.goes_back(draft, result):
        if not draft.run.requested:
            failure.stall(draft, Stage.RESOLVE, Reason.CHECKPOINT_OLDER, explanation(older, latest.GO_BACK))
            return
        draft.emit(Reason.CHECKPOINT_OLDER, f"{older} The requested run goes back to it.", warning=True)
    files = tuple(CheckpointFile(key=f.key, size=f.size, etag=f.etag) for f in result.files[:MAX_FILES])
    draft.update(
        checkpoint=CheckpointStatus(
            step=result.step,
            name=result.checkpoint_name,
            fingerprint=result.fingerprint,
            files=files,
            model_bytes=result.model_bytes,
        ),
        content_hash="",
        source=SourceStatus(commit=result.commit) if result.commit else None,
        input_lock=InputLockStatus(
            key=result.input_lock.key,
            sha256=result.input_lock.sha256,
            context_bytes=result.context_bytes,
            base_bytes=result.base_bytes,
        ),
        frozen_graph=None,
        built=None,
        run=replace(
            draft.run,
            registry_host=result.registry_host,
            inputs_hash=result.inputs_hash,
            sample_etag=result.sample_etag,
        ),
        last_poll_time=draft.stamp if draft.observed.spec.poll else None,
    )
    _done(draft, Stage.RESOLVE, Reason.RESOLVED, f"Pinned {_describe(result)}.")
    _warn(draft, Stage.RESOLVE, result.warnings)
    if result.image:
        _reuse(draft, Stage.EXPORT, "Not needed: the registry has the image of this content.")
        _reuse(draft, Stage.BUILD, f"The registry has this content as {result.image.digest}.")
    elif result.graph:
        _reuse(draft, Stage.EXPORT, f"Reusing {result.graph.key}, the frozen graph of this checkpoint.")
    if result.graph:
        _graph(draft, result.graph)
    if _exceeds_memory(draft, Stage.EXPORT):
        return
    if result.image:
        _image(draft, result.image.digest, result.image.size)
    elif result.graph:
        _build(draft, result.graph)
    else:
        draft.start(Stage.EXPORT, result.fingerprint, result.input_lock.sha256)


def _exceeds_memory(draft: Draft, stage: Stage) -> bool:
    """Records the memory of the next stages. Ends the run if the model needs more than the installation allows."""
    draft.update(memory=memory.limits(draft.observed.spec, draft.status, draft.config))
    excess = memory.excess(draft.observed.spec, draft.status, draft.config)
    if excess:
        failure.stall(draft, stage, Reason.RESOURCES_TOO_LARGE, explanation(excess.message, excess.hint))
    return excess is not None


def _describe(result: results.Resolved) -> str:
    what = described(result.step, result.checkpoint_name)
    return what if result.step is None and not result.checkpoint_name else f"{what}, {result.file_count} files"


def _exported(draft: Draft, result: results.Exported) -> None:
    graph = result.graph
    _graph(draft, graph)
    message = f"{graph.key}, {graph.size} bytes, verified on a sample picture."
    if result.not_overwritten:
        kept = (
            f"{result.not_overwritten} holds another graph, and the token must not overwrite it. To replace it, delete "
            "that object or give the token the right to overwrite."
        )
        message += f" {kept}"
        draft.emit(Reason.OVERWRITE_FORBIDDEN, f"The graph is {graph.key}; {kept}", warning=True)
    _done(draft, Stage.EXPORT, Reason.EXPORTED, message)
    if not _exceeds_memory(draft, Stage.TEST):
        _build(draft, graph)


def _built(draft: Draft, result: results.Built) -> None:
    _done(draft, Stage.BUILD, Reason.BUILT, f"The registry serves {result.digest}.")
    _warn(draft, Stage.BUILD, result.warnings)
    _image(draft, result.digest, result.size)


def _tested(draft: Draft, result: results.Probed) -> None:
    status, made = draft.status, _made(draft)
    if status.produced and made:
        passed = replace(made, tested=_test_hash(draft), memory_bytes=result.memory_bytes)
        draft.update(produced=produced.with_test(status.produced, passed))
    _done(draft, Stage.TEST, Reason.ANSWERED, "The image answered the test request.")
    _publish(draft)


def _made(draft: Draft) -> ProducedImage | None:
    """The record's entry of the image of this run."""
    status = draft.status
    return produced.image(status.produced, status.content_hash, status.built.digest) if status.built else None


def _test_hash(draft: Draft) -> str:
    return produced.hash_of_test(draft.observed.spec.test, draft.run.sample_etag)


def _published(draft: Draft, result: results.Published) -> None:
    spec, entry = draft.observed.spec, _entry(draft, result.digest)
    image = ImageStatus(
        reference=f"{spec.image.repository}@{result.digest}",
        digest=result.digest,
        tags=tuple(tag.tag for tag in result.tags if not tag.repository),
        size=result.size,
        memory_bytes=_serving_memory(draft, entry),
        generation=draft.run.generation,
        step=entry.step,
        model_prefix=_model_prefix(draft, result.digest),
    )
    draft.update(image=image, stage=None, history=(entry, *draft.status.history)[:MAX_HISTORY])
    for tag in result.tags:
        if tag.previous and tag.previous != result.digest:
            name = f"{tag.repository}:{tag.tag}" if tag.repository else tag.tag
            draft.emit(Reason.TAG_MOVED, f"Tag {name} moved from {tag.previous} to {result.digest}.")
    if result.deleted or result.retention:
        text = f"Deleted {result.deleted} old content tags of {spec.image.repository}."
        draft.emit(Reason.OLD_IMAGES_DELETED, f"{text} {result.retention}".strip())
    message = f"Published {image.reference} as {', '.join(image.tags)}."
    if spec.image.additional_repositories:
        message += f" Also published to {', '.join(spec.image.additional_repositories)}."
    _done(draft, Stage.PUBLISH, Reason.PUBLISHED, message)
    draft.conditions.set(Type.READY, "True", Reason.PUBLISHED, message)
    draft.conditions.drop(Type.RECONCILING, Type.STALLED, Type.TAG_LOST)


def _entry(draft: Draft, digest: str) -> HistoryEntry:
    """What the history says about this publication. A pinned image keeps what it was made of."""
    status = draft.status
    if held := pinned(draft.observed.spec.image.pin, status.history):
        return replace(held, time=draft.stamp)
    return HistoryEntry(
        digest=digest,
        content_hash=status.content_hash,
        step=status.checkpoint.step if status.checkpoint else None,
        checkpoint=status.checkpoint.name if status.checkpoint else "",
        time=draft.stamp,
    )


def _serving_memory(draft: Draft, entry: HistoryEntry) -> int:
    """Bytes as the image reported them in its test, or else as its graph took them; 0 if unknown."""
    made = produced.image(draft.status.produced, entry.content_hash, entry.digest)
    graph = draft.status.frozen_graph if entry.content_hash == draft.status.content_hash else None
    return (made.memory_bytes if made else 0) or (graph.memory_bytes if graph else 0)


def _model_prefix(draft: Draft, digest: str) -> str:
    """The prefix of the image's checkpoint; empty if it is unknown, as for a pinned image of earlier times."""
    image = draft.status.image
    if not draft.observed.spec.image.pin:
        return draft.observed.spec.model.prefix
    return image.model_prefix if image and image.digest == digest else ""


def _graph(draft: Draft, graph: inputs.Graph) -> None:
    """Records the graph, and the content hash, which it completes."""
    checkpoint, record = draft.status.checkpoint, draft.status.produced
    draft.update(
        produced=produced.with_export(record, checkpoint.fingerprint, graph) if checkpoint else record,
        content_hash=content_hash(draft.run.inputs_hash, graph),
        frozen_graph=FrozenGraphStatus(
            key=graph.key,
            sha256=graph.sha256,
            size=graph.size,
            tensorflow=graph.tensorflow,
            readable_by=graph.readable_by,
            memory_bytes=graph.memory_bytes,
            saved_model=StoredFileStatus(**asdict(graph.saved_model)) if graph.saved_model else None,
            onnx=OnnxStatus(**asdict(graph.onnx)) if graph.onnx else None,
        ),
    )


def _build(draft: Draft, graph: inputs.Graph) -> None:
    input_lock = draft.status.input_lock
    draft.start(Stage.BUILD, draft.status.content_hash, graph.sha256, input_lock.sha256 if input_lock else "")


def _image(draft: Draft, digest: str, size: int) -> None:
    """Records the image of this run, and begins the stage that it needs next."""
    record = produced.with_image(draft.status.produced, draft.status.content_hash, digest)
    draft.update(built=BuiltStatus(digest=digest, size=size), produced=record)
    made = _made(draft)
    if not draft.observed.spec.test.enabled:
        publish_untested(draft)
        return
    if made and made.tested == _test_hash(draft):
        _reuse(draft, Stage.TEST, "The image has passed this test before.")
    else:
        draft.start(Stage.TEST, digest)
        return
    _publish(draft)


def publish_untested(draft: Draft) -> None:
    """Begins the Publish stage of an object without a test."""
    draft.conditions.set(Type.TESTED, "True", Reason.TEST_DISABLED, "spec.test.enabled is false.")
    _publish(draft)


def _publish(draft: Draft) -> None:
    built = draft.status.built
    draft.start(Stage.PUBLISH, built.digest if built else "", draft.observed.spec.image.tags)


def _done(draft: Draft, stage: Stage, reason: Reason, message: str) -> None:
    draft.conditions.set(stage.condition, "True", reason, message)
    draft.emit(reason, message)


def _warn(draft: Draft, stage: Stage, warnings: tuple[results.StageWarning, ...]) -> None:
    """Emits each warning as an Event and appends it to the message of the stage's condition."""
    condition = find(draft.conditions.all, stage.condition)
    for warning in warnings:
        draft.emit(Reason.of(warning.reason), warning.message, warning=True)
    if condition and warnings:
        message = " ".join((condition.message, *(warning.message for warning in warnings)))
        draft.conditions.set(stage.condition, "True", Reason.of(condition.reason), message)


def _reuse(draft: Draft, stage: Stage, message: str) -> None:
    timings = draft.status.timings or Timings()
    draft.update(timings=replace(timings, **{stage.lower(): Reason.REUSED.value}))
    draft.conditions.set(stage.condition, "True", Reason.REUSED, message)
