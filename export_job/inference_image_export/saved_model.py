"""Writes the graph as a SavedModel and verifies that its answers equal the frozen graph's."""

from pathlib import Path
from typing import Any

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import canonical, picture
from inference_image_export.readable import RELEASES, restate
from inference_image_export.verify import configuration

OUTPUTS = (
    "num_detections",
    "detection_boxes",
    "detection_scores",
    "detection_classes",
    "detection_multiclass_scores",
    "detection_features",
    "detection_keypoints",
    "detection_masks",
    "raw_detection_boxes",
    "raw_detection_scores",
)
"""Every output that the Object Detection API's exporter can add to a graph."""


def write(graph: Path, input_type: str, folder: Path, readable_by: str) -> Path:
    """Writes the SavedModel of a graph into `folder`, which must not exist, and returns its one file.

    The signature is that of the Object Detection API's own exporter: `serving_default`, the input named `inputs`, the
    outputs by their names. `readable_by` is the oldest TensorFlow that reads the graph, and then the SavedModel too.
    """
    import tensorflow.compat.v1 as tf
    from tensorflow.core.protobuf import saved_model_pb2

    with tf.Graph().as_default() as loaded, tf.Session(graph=loaded) as session:
        tf.import_graph_def(canonical.read_graph(graph), name="")
        names = {operation.name for operation in loaded.get_operations()}
        outputs = {name: loaded.get_tensor_by_name(f"{name}:0") for name in OUTPUTS if name in names}
        inputs = {"inputs": loaded.get_tensor_by_name(f"{input_type}:0")}
        tf.saved_model.simple_save(session, str(folder), inputs, outputs)
    file = folder / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    release = next((release for release in RELEASES if release.version == readable_by), None)
    if release:
        restate(model.meta_graphs[0].graph_def, release)
    canonical.write(model, file)
    return file


def check(folder: Path, input_type: str, answers: dict[str, Any]) -> None:
    """Runs the SavedModel on the picture; `answers` are the frozen graph's outputs for it.

    Raises StageError (`GraphInvalid`) when a value differs: it is the same graph on the same machine.
    """
    import numpy as np
    import tensorflow.compat.v1 as tf

    with tf.Graph().as_default() as loaded, tf.Session(graph=loaded, config=configuration()) as session:
        model = tf.saved_model.load(session, ["serve"], str(folder))
        signature = model.signature_def["serving_default"]
        wanted = {name: signature.outputs[name].name for name in answers}
        found = session.run(wanted, {signature.inputs["inputs"].name: picture.feed(input_type)})
    for name, value in answers.items():
        if not np.array_equal(value, found[name]):
            raise StageError(
                Reason.GRAPH_INVALID,
                f"The SavedModel's answer to one picture differs from the frozen graph's ({name}).",
                "Nothing was published. This is a bug of the export: report it with the log of this Job.",
            )
