"""What a changed spec would cause, without a cluster: which stages run again, and why.

An interface of the kubectl plugin. It begins the run as `decide` does, and gives Resolve the result that it has if
nothing outside the object has changed, and every stage that runs a placeholder. What only Resolve can know, it names.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from msgspec.structs import asdict, replace

from inference_image_contract import inputs, results
from inference_image_operator.api import FrozenGraphStatus, Spec, Status
from inference_image_operator.api.conditions import Type, find
from inference_image_operator.api.names import input_hash
from inference_image_operator.api.stages import Stage
from inference_image_operator.config.installation import Config
from inference_image_operator.core import pin, progress
from inference_image_operator.core.decide import begin_run, new_run
from inference_image_operator.core.draft import Draft
from inference_image_operator.core.policy import refusal
from inference_image_operator.core.reach import Reach, changed, reach
from inference_image_operator.diagnosis.outcomes import Done
from inference_image_operator.observed import Frozen, Observed

_NOW = datetime(1970, 1, 1, tzinfo=UTC)
_OTHER = "another"
"""Stands for a hash that differs from all known ones."""
_BY_CONTENT = {Stage.EXPORT: Reach.EXPORT, Stage.BUILD: Reach.IMAGE, Stage.TEST: Reach.TEST}
_ALWAYS = {
    Stage.RESOLVE: "every run pins its inputs again",
    Stage.PUBLISH: "every run moves the tags",
}


Placeholder = Callable[[Stage, Spec], results.Result]


class ForeseenStage(Frozen, frozen=True, kw_only=True):
    """A stage of the run."""

    stage: Stage
    runs: bool
    why: str


class Foreseen(Frozen, frozen=True, kw_only=True):
    """What happens when the object gets another spec and request."""

    fields: tuple[str, ...]
    """Paths below `spec` that change."""
    begins: bool
    """Whether a run begins."""
    pinned: bool
    """Whether `spec.image.pin` holds an image."""
    waits: bool = False
    """Whether it begins only when `spec.suspend` is removed."""
    requested: bool = False
    """Whether the request annotation asks for it."""
    replaces: Stage | None = None
    """The stage whose Job is stopped for it."""
    refused: str = ""
    """Why the installation refuses it; empty if it does not."""
    stages: tuple[ForeseenStage, ...] = ()


def foresee(observed: Observed, spec: Spec, request: str, config: Config, placeholder: Placeholder) -> Foreseen:
    """What this spec and request cause for an object, if nothing outside the object has changed since its last run.

    `placeholder` gives a stage that runs a result. Only its kind matters.
    """
    fields, status = changed(observed.spec, spec), observed.status
    if status.run and status.run.input_hash == input_hash(spec, request):
        return Foreseen(fields=fields, begins=False, pinned=bool(spec.image.pin))
    refused = refusal(spec, config) or pin.refusal(spec, status)
    after = replace(observed, spec=spec, request=request)
    stages, stalled = _stages(after, fields, config, placeholder)
    return Foreseen(
        fields=fields,
        begins=True,
        pinned=bool(spec.image.pin),
        waits=spec.suspend,
        requested=request != status.last_handled_request,
        replaces=status.stage.name if status.stage else None,
        refused=f"{refused.reason}: {refused.message}" if refused else stalled,
        stages=stages,
    )


def _stages(
    after: Observed, fields: tuple[str, ...], config: Config, placeholder: Placeholder
) -> tuple[tuple[ForeseenStage, ...], str]:
    """The stages of the run, and why it would stall on the way; empty if it would not."""
    draft = Draft(after, config, _NOW)
    begin_run(draft, new_run(draft))
    pin.start(draft)
    runs: list[Stage] = []
    if draft.status.stage and draft.status.stage.name is Stage.RESOLVE:
        runs.append(Stage.RESOLVE)
        progress.record(draft, Stage.RESOLVE, Done(result=_resolved(after.status, fields), seconds=0))
    while draft.status.stage:
        runs.append(draft.status.stage.name)
        progress.record(draft, runs[-1], Done(result=placeholder(runs[-1], after.spec), seconds=0))
    stalled = find(draft.conditions.all, Type.STALLED)
    stages = tuple(ForeseenStage(stage=s, runs=s in runs, why=_why(s, runs, fields, draft)) for s in Stage)
    return stages, f"{stalled.reason}: {stalled.message}" if stalled else ""


def _why(stage: Stage, runs: list[Stage], fields: tuple[str, ...], draft: Draft) -> str:
    if stage in runs and stage in _ALWAYS:
        return _ALWAYS[stage]
    if stage not in runs:
        condition = find(draft.conditions.all, stage.condition)
        return condition.message if condition else ""
    causes = [f"spec.{field}" for field in fields if reach(field) >= _BY_CONTENT[stage]]
    if stage is Stage.TEST and Stage.BUILD in runs:
        return "the image is built again"
    return ", ".join(causes) or "status.produced has no result of a Job of this object to reuse"


def _resolved(status: Status, fields: tuple[str, ...]) -> results.Resolved:
    """What Resolve finds if only these fields have changed."""
    reaches = max((reach(field) for field in fields), default=Reach.NO_RUN)
    run, checkpoint, pinned = status.run, status.checkpoint, status.input_lock
    fingerprint = checkpoint.fingerprint if checkpoint and reaches < Reach.EXPORT else _OTHER
    graph = _graph(status, fingerprint)
    inputs_hash = run.inputs_hash if run and graph and reaches < Reach.IMAGE else ""
    return results.Resolved(
        fingerprint=fingerprint,
        inputs_hash=inputs_hash or _OTHER,
        input_lock=inputs.InputLockRef(key=pinned.key if pinned else "", sha256=pinned.sha256 if pinned else ""),
        step=checkpoint.step if checkpoint else None,
        checkpoint_name=checkpoint.name if checkpoint else "",
        files=(),
        file_count=0,
        num_classes=0,
        context_bytes=0,
        base_bytes=0,
        model_bytes=checkpoint.model_bytes if checkpoint else 0,
        graph=graph,
        image=_image(status) if inputs_hash else None,
        sample_etag=run.sample_etag if run else "",
    )


def _graph(status: Status, fingerprint: str) -> inputs.Graph | None:
    """The graph of the last run, if a Job of this object made it for this fingerprint."""
    made = status.produced.exports if status.produced else ()
    known = any(export.fingerprint == fingerprint for export in made)
    return _of_status(status.frozen_graph) if status.frozen_graph and known else None


def _of_status(graph: FrozenGraphStatus) -> inputs.Graph:
    return inputs.Graph(
        key=graph.key,
        sha256=graph.sha256,
        size=graph.size,
        tensorflow=graph.tensorflow,
        readable_by=graph.readable_by,
        memory_bytes=graph.memory_bytes,
        saved_model=inputs.StoredFile(**asdict(graph.saved_model)) if graph.saved_model else None,
        onnx=inputs.OnnxModel(**asdict(graph.onnx)) if graph.onnx else None,
    )


def _image(status: Status) -> results.Built | None:
    """The image of the last run's content, if a Job of this object built it."""
    images = status.produced.images if status.produced else ()
    made = next((image for image in images if image.content_hash == status.content_hash), None)
    return results.Built(digest=made.digest, size=0) if made else None
