"""`ask.py FOLDER`: runs graphs on this Python's TensorFlow: 1.7 and 1.15 (Python 2.7), and the current one.

Runs FOLDER/graph.pb and, if present, FOLDER/saved_model/ on every FOLDER/N.npy, a batch of pictures. Writes the
outputs to FOLDER/VERSION/N.graph.npz and FOLDER/VERSION/N.saved_model.npz.
"""

from __future__ import print_function

import glob
import os
import sys

import numpy as np
import tensorflow as tf

if not hasattr(tf, "GraphDef"):  # today's
    tf = tf.compat.v1

OUTPUTS = ("num_detections", "detection_boxes", "detection_scores", "detection_classes")


def ask(session, fed, fetched, folder, form, target):
    for path in sorted(glob.glob(os.path.join(folder, "*.npy"))):
        answers = session.run(fetched, {fed: np.load(path)})
        name = os.path.basename(path)[: -len(".npy")]
        np.savez(os.path.join(target, "%s.%s.npz" % (name, form)), **answers)


def main(folder):
    target = os.path.join(folder, tf.VERSION)
    os.mkdir(target)
    with tf.Graph().as_default() as graph:
        definition = tf.GraphDef()
        with open(os.path.join(folder, "graph.pb"), "rb") as file:
            definition.ParseFromString(file.read())
        tf.import_graph_def(definition, name="")
        with tf.Session(graph=graph) as session:
            ask(session, "image_tensor:0", dict((name, name + ":0") for name in OUTPUTS), folder, "graph", target)
    model = os.path.join(folder, "saved_model")
    if os.path.isdir(model):
        with tf.Graph().as_default() as graph, tf.Session(graph=graph) as session:
            loaded = tf.saved_model.loader.load(session, ["serve"], model)
            signature = loaded.signature_def["serving_default"]
            fetched = dict((name, tensor.name) for name, tensor in signature.outputs.items())
            ask(session, signature.inputs["inputs"].name, fetched, folder, "saved_model", target)
    print(tf.VERSION)


if __name__ == "__main__":
    main(sys.argv[1])
