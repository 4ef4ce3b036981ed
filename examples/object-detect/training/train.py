"""Trains the example's detector and leaves what a TensorFlow 1 training leaves: `python train.py OUTPUT_DIRECTORY`.

Writes model.ckpt-STEP.{index,data-00000-of-00001,meta}, checkpoint, pipeline.config and label_map.pbtxt. Needs the
packages of requirements/export.txt, adapted (see export_job/adapt_object_detection), and Pillow.
"""

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf import text_format
from object_detection.builders import model_builder, optimizer_builder
from object_detection.protos import pipeline_pb2
from tensorflow.compat import v1 as tf

import shapes

HERE = Path(__file__).parent
_POOL = 2048  # pictures drawn once and shown several times
_REPORT_EVERY = 50


class Batch:
    """The placeholders of one batch: pictures, and for each its boxes and classes."""

    def __init__(self, size: int, side: int) -> None:
        self.pictures = tf.placeholder(tf.float32, [size, side, side, 3])
        self.boxes = [tf.placeholder(tf.float32, [None, 4]) for _ in range(size)]
        self.classes = [tf.placeholder(tf.int32, [None]) for _ in range(size)]

    def feed(self, examples: list[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> dict[Any, Any]:
        """The values of the placeholders for these examples of (picture, boxes, class indices)."""
        values: dict[Any, Any] = {self.pictures: np.stack([example[0] for example in examples])}
        values |= {key: example[1] for key, example in zip(self.boxes, examples, strict=True)}
        values |= {key: example[2] for key, example in zip(self.classes, examples, strict=True)}
        return values


def examples(seed: int, count: int, side: int) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pictures (side, side, 3) uint8 with boxes (n, 4) relative and class indices (n,) that begin at 0."""
    rng = np.random.default_rng(seed)
    result = []
    for _ in range(count):
        picture, drawn = shapes.draw(rng, side)
        boxes = np.array([shape.box for shape in drawn], np.float32)
        classes = np.array([shapes.CLASSES.index(shape.name) for shape in drawn], np.int32)
        result.append((np.asarray(picture), boxes, classes))
    return result


def build(config: Any, batch: Batch) -> tuple[Any, Any]:  # noqa: ANN401 - protobuf message; TensorFlow is untyped
    """The training operation and the total loss of the configured model on the batch."""
    model = model_builder.build(config.model, is_training=True, add_summaries=False)
    pictures, true_shapes = model.preprocess(batch.pictures)
    one_hot = [tf.one_hot(classes, config.model.ssd.num_classes) for classes in batch.classes]
    model.provide_groundtruth(batch.boxes, one_hot)
    losses = model.loss(model.predict(pictures, true_shapes), true_shapes)
    loss = tf.add_n([*losses.values(), *tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)])
    optimizer, _ = optimizer_builder.build(config.train_config.optimizer)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        return optimizer.minimize(loss, global_step=tf.train.get_or_create_global_step()), loss


def train(output: Path) -> None:
    """Trains for the configured number of steps and saves the checkpoint of the last one."""
    config = text_format.Parse((HERE / "pipeline.config").read_text(), pipeline_pb2.TrainEvalPipelineConfig())
    size, steps = config.train_config.batch_size, config.train_config.num_steps
    side = config.model.ssd.image_resizer.fixed_shape_resizer.height
    tf.set_random_seed(shapes.TRAINING_SEED)
    pool = examples(shapes.TRAINING_SEED, _POOL, side)
    order = np.random.default_rng(shapes.TRAINING_SEED)
    batch = Batch(size, side)
    operation, loss = build(config, batch)
    saver = tf.train.Saver(save_relative_paths=True)
    started = time.monotonic()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for step in range(1, steps + 1):
            chosen = [pool[index] for index in order.integers(_POOL, size=size)]
            _, value = session.run([operation, loss], batch.feed(chosen))
            if step % _REPORT_EVERY == 0:
                print(f"step {step}/{steps}: loss {value:.3f}, {time.monotonic() - started:.0f} s", flush=True)
        saver.save(session, str(output / "model.ckpt"), global_step=steps)


def main(arguments: list[str]) -> int:
    """Trains into the directory named by the only argument."""
    if len(arguments) != 2:  # noqa: PLR2004 - the program's name and one argument
        print(__doc__, file=sys.stderr)
        return 2
    output = Path(arguments[1])
    output.mkdir(parents=True, exist_ok=True)
    train(output)
    for name in ("pipeline.config", "label_map.pbtxt"):
        shutil.copyfile(HERE / name, output / name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
