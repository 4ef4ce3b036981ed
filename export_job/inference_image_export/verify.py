"""Verifies a frozen graph with one picture before it is published: names, types, shapes and values."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import canonical, picture

OUTPUTS: Mapping[str, tuple[int | None, ...]] = {
    "num_detections": (1,),
    "detection_boxes": (1, None, 4),
    "detection_scores": (1, None),
    "detection_classes": (1, None),
}
"""The outputs of every detector and their shapes for one picture; None is the number of detections."""

_SLACK = 1e-3  # scores and boxes are float32 sums, which rounding may push beyond their bounds


def verify(graph: Path, input_type: str, num_classes: int) -> dict[str, Any]:
    """Loads the graph in a new session and checks its answer to one picture; returns the answer.

    Raises StageError (`GraphInvalid`).
    """
    (answers,) = run(graph, input_type, [picture.feed(input_type)])
    check(answers, num_classes)
    return answers


def run(graph: Path, input_type: str, batches: Sequence[Any]) -> list[dict[str, Any]]:
    """The frozen graph's outputs, as arrays by name, for each batch.

    Raises StageError: `GraphInvalid` when the graph cannot be loaded, lacks a name or fails, `GraphUnsafe` before it
    is loaded.
    """
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default() as loaded:
        try:
            tf.import_graph_def(canonical.read_graph(graph), name="")
        except ValueError as error:
            raise _invalid(f"it cannot be loaded: {error}") from error
        names = {operation.name for operation in loaded.get_operations()}
        missing = sorted({input_type, *OUTPUTS} - names)
        if missing:
            raise _invalid(f"it has no {' and no '.join(missing)}")
        with tf.Session(graph=loaded, config=configuration()) as session:
            try:
                outputs = {name: f"{name}:0" for name in OUTPUTS}
                return [dict(session.run(outputs, {f"{input_type}:0": batch})) for batch in batches]
            except (tf.errors.OpError, ValueError, TypeError) as error:
                print(error, file=sys.stderr)
                raise _invalid(f"it fails on the test picture: {_kind(error)}") from error


def _kind(error: Exception) -> str:
    """The kind of an error and the node that raised it. Its text is the graph's own, which stays in the log."""
    node = getattr(error, "op", None)
    return type(error).__name__ + (f" in {node.type}, node {node.name}" if node is not None else "")


def same_answers(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two answers, outputs by name, are equal bit for bit."""
    import numpy as np

    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def configuration() -> Any:  # noqa: ANN401 - a protobuf message, untyped
    """The session configuration without the graph optimizer (Grappler), which copies the weights and speeds nothing up.

    docs/guides/export.md has the measurements.
    """
    import tensorflow.compat.v1 as tf

    configuration = tf.ConfigProto()
    configuration.graph_options.rewrite_options.disable_meta_optimizer = True
    return configuration


def check(outputs: Mapping[str, Any], num_classes: int) -> None:
    """Checks the outputs for one picture; raises StageError (`GraphInvalid`) for the first wrong one."""
    for name, shape in OUTPUTS.items():
        _check_array(name, outputs[name], shape)
    lengths = {name: outputs[name].shape[1] for name, shape in OUTPUTS.items() if None in shape}
    if len(set(lengths.values())) != 1:
        raise _invalid(f"its outputs disagree on the number of detections: {lengths}")
    most = lengths["detection_scores"]
    _check_range("num_detections", outputs["num_detections"], 0, most)
    _check_range("detection_scores", outputs["detection_scores"], 0 - _SLACK, 1 + _SLACK)
    _check_range("detection_classes", outputs["detection_classes"], 1, num_classes)


def _check_array(name: str, value: Any, shape: tuple[int | None, ...]) -> None:  # noqa: ANN401 - numpy.ndarray
    import numpy as np

    if value.dtype != np.float32:
        raise _invalid(f"{name} is {value.dtype}, not float32")
    same = len(value.shape) == len(shape) and all(
        want in (None, have) for want, have in zip(shape, value.shape, strict=True)
    )
    if not same:
        wanted = ", ".join("n" if size is None else str(size) for size in shape)
        raise _invalid(f"{name} has shape {value.shape}, not ({wanted})")
    if not np.isfinite(value).all():
        raise _invalid(f"{name} contains NaN or infinite values")


def _check_range(name: str, value: Any, low: float, high: float) -> None:  # noqa: ANN401 - numpy.ndarray
    if value.size and not (low <= value.min() and value.max() <= high):
        raise _invalid(f"{name} has values from {value.min():g} to {value.max():g}, beyond {low:g} to {high:g}")


def _invalid(what: str) -> StageError:
    return StageError(
        Reason.GRAPH_INVALID,
        f"The graph failed its verification with a picture: {what}.",
        "Nothing was published. For a checkpoint, check that the training did not diverge (another "
        "spec.model.checkpoint.step may work), and that the pipeline config builds a model that detects boxes. For "
        "spec.export.frozenGraph, use a detector's graph with the input type spec.export.inputType.",
    )
