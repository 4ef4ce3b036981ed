"""`ask.py FOLDER`: what the TensorFlow of this Python answers. Runs on Python 3.7 with 1.15, and on the current one.

FOLDER/saved_model/ and FOLDER/graph.pb, which has its names, are asked every FOLDER/N.tensor (a TensorProto).
The outputs go to FOLDER/N.graph.npz and FOLDER/N.saved_model.npz.
"""

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2


def ask(folder: Path) -> dict:
    """Picture and form -> name of output -> its value."""
    answers = {}
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:  # as a model server does it
        names = load_saved_model(session, folder / "saved_model")
        answers.update(each(session, names, folder, "saved_model"))
    with tf.Graph().as_default() as graph, tf.compat.v1.Session(graph=graph) as session:  # as inference code does it
        tf.import_graph_def(tf.compat.v1.GraphDef.FromString((folder / "graph.pb").read_bytes()), name="")
        answers.update(each(session, names, folder, "graph"))
    return answers


def load_saved_model(session, folder: Path) -> tuple:
    """The tensor that is fed, and those that are fetched, by name of output."""
    signature = tf.compat.v1.saved_model.load(session, ["serve"], str(folder)).signature_def["serving_default"]
    return signature.inputs["inputs"].name, {name: tensor.name for name, tensor in signature.outputs.items()}


def each(session, names: tuple, folder: Path, form: str) -> dict:
    fed, fetched = names
    answers = {}
    for path in sorted(folder.glob("*.tensor")):
        picture = tf.make_ndarray(tensor_pb2.TensorProto.FromString(path.read_bytes()))
        answers[f"{path.stem}.{form}"] = session.run(fetched, {fed: picture})
    return answers


def main(folder: Path) -> None:
    for name, outputs in ask(folder).items():
        np.savez(str(folder / f"{name}.npz"), **outputs)
    print(tf.__version__)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
