"""Placeholders for results that are unknown before a stage runs; nobody can mistake them for real results."""

from inference_image_contract import inputs, results
from inference_image_operator.api import ONNX, Spec
from inference_image_operator.api.stages import Stage

ZEROS = "0" * 64
DIGEST = f"sha256:{ZEROS}"
_KEY = "PLACEHOLDER"


def result(stage: Stage, spec: Spec) -> results.Result:
    """The placeholder for the result of a stage: digests of zeros, keys with the word PLACEHOLDER, size 0."""
    match stage:
        case Stage.RESOLVE:
            return _resolved(spec)
        case Stage.EXPORT:
            return results.Exported(graph=_graph(spec))
        case Stage.BUILD:
            return results.Built(digest=DIGEST, size=0)
        case Stage.TEST:
            return results.Probed(ready_seconds=0, answer_seconds=0)
        case Stage.PUBLISH:
            return results.Published(digest=DIGEST, size=0, tags=())


def _resolved(spec: Spec) -> results.Resolved:
    checkpoint = spec.model.checkpoint
    name = checkpoint.name if checkpoint else ""
    step = checkpoint.step or 0 if checkpoint and not name else None
    return results.Resolved(
        fingerprint=DIGEST,
        inputs_hash=DIGEST,
        input_lock=inputs.InputLockRef(key=f"{spec.export.output_prefix}resolved/{_KEY}.json", sha256=ZEROS),
        step=step,
        checkpoint_name=name,
        files=(),
        file_count=0,
        num_classes=0,
        context_bytes=0,
        base_bytes=0,
    )


def _graph(spec: Spec) -> inputs.Graph:
    folder = f"{spec.export.output_prefix}{_KEY}/"
    onnx = inputs.OnnxModel(key=f"{folder}model.onnx", sha256=ZEROS, size=0, greatest_difference="0")
    return inputs.Graph(
        key=f"{folder}frozen_inference_graph.pb",
        sha256=ZEROS,
        size=0,
        onnx=onnx if ONNX in spec.export.formats else None,
    )
