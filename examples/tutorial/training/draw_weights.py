"""Writes what the tutorial's training leaves, at its true size, in a minute: `python draw_weights.py OUTPUT_DIRECTORY`.

The model is the tutorial's (Faster R-CNN on ResNet-101, 37 classes); its weights are drawn, not trained, such that it
detects something in any picture. What is tested with it is size, memory and time, and that two runtimes agree; what it
names its detections means nothing. Needs the packages of requirements/export.txt, adapted.

Beside the training's output it writes what lay where the training read: OUTPUT_DIRECTORY/prepared.
"""

import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from object_detection import exporter
from object_detection.builders import model_builder
from object_detection.protos import pipeline_pb2
from tensorflow.compat import v1 as tf

HERE = Path(__file__).parent
STEP = 200_000
SEED = 1
CONTAINER_FOLDER = "/data/output"
"""Where the training's container wrote; the `checkpoint` file has its paths."""
RECORDS = ("pet_train.record", "pet_val.record")

_SHARES = {
    "bottleneck_v1/conv3/weights": 0.1,  # what a residual unit adds to its own input
    "FirstStageBoxPredictor/ClassPredictor/weights": 0.3,
    "SecondStageBoxPredictor/ClassPredictor/weights": 0.1,
    "BoxEncodingPredictor/weights": 0.02,
}
"""Of the weights that He et al. (2015) give a layer, so that scores differ and boxes stay near their anchors."""


def weights(name: str, shape: list[int], rng: np.random.Generator) -> Any:  # noqa: ANN401 - an array or a number
    """The value of the variable `name`."""
    if name == "global_step":
        return STEP
    if name.endswith(("gamma", "moving_variance")):
        return np.ones(shape, np.float32)
    if not name.endswith("weights"):
        return np.zeros(shape, np.float32)
    value = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(2 / np.prod(shape[:-1])))
    if "Predictor/" in name:  # they read features that are all above 0, whose common part must not decide
        value -= value.mean(axis=tuple(range(len(shape) - 1)))
    return value * np.float32(next((share for end, share in _SHARES.items() if name.endswith(end)), 1))


def write_checkpoint(output: Path, prepared: Path) -> None:
    """Writes model.ckpt-200000.* with the variables of the model and the slots of its momentum optimizer.

    `prepared` gets a model.ckpt.* without a step, as the training begins from; a small part of the variables stands for
    all.
    """
    config = text_format.Parse((HERE / "pipeline.config").read_text(), pipeline_pb2.TrainEvalPipelineConfig())
    rng = np.random.default_rng(SEED)
    with tf.Graph().as_default() as graph:
        model = model_builder.build(config.model, is_training=False)
        exporter.build_detection_graph("image_tensor", model, None, "inference_op", None)
        tf.train.get_or_create_global_step()
        variables = tf.global_variables()
        slots = [
            tf.Variable(tf.zeros(variable.shape), trainable=False, name=f"{variable.op.name}/Momentum")
            for variable in tf.trainable_variables()
        ]
        with tf.Session(graph=graph) as session:
            values = [weights(variable.op.name, variable.shape.as_list(), rng) for variable in variables]
            values += [rng.standard_normal(slot.shape.as_list(), np.float32) for slot in slots]
            assignments = [variable.initializer for variable in (*variables, *slots)]
            session.run(assignments, dict(zip((each.inputs[1] for each in assignments), values, strict=True)))
            tf.train.Saver().save(session, str(output / "model.ckpt"), global_step=STEP)
            begun_from = [variable for variable in variables if "Predictor" in variable.op.name]
            tf.train.Saver(begun_from).save(session, str(prepared / "model.ckpt"), write_state=False)
        tf.train.write_graph(graph, str(output), "graph.pbtxt")
        tf.summary.FileWriter(str(output), graph).close()


def write_records(path: Path) -> None:
    """Writes the head of a TFRecord file of examples: one picture without objects."""
    picture = tf.io.encode_jpeg(np.full((64, 96, 3), 127, np.uint8))
    with tf.Session() as session:
        jpeg = session.run(picture)
    example = tf.train.Example()
    example.features.feature["image/encoded"].bytes_list.value.append(jpeg)
    example.features.feature["image/format"].bytes_list.value.append(b"jpeg")
    with tf.io.TFRecordWriter(str(path)) as records:
        records.write(example.SerializeToString())


def main(arguments: list[str]) -> int:
    """Writes into the directory named by the only argument."""
    if len(arguments) != 2:  # noqa: PLR2004 - the program's name and one argument
        print(__doc__, file=sys.stderr)
        return 2
    output = Path(arguments[1])
    prepared = output / "prepared"
    prepared.mkdir(parents=True, exist_ok=True)
    write_checkpoint(output, prepared)
    for name in RECORDS:
        write_records(prepared / name)
    path = f"{CONTAINER_FOLDER}/model.ckpt-{STEP}"
    (output / "checkpoint").write_text(f'model_checkpoint_path: "{path}"\nall_model_checkpoint_paths: "{path}"\n')
    for name in ("pipeline.config", "pet_label_map.pbtxt"):
        shutil.copyfile(HERE / name, output / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
