"""Imports frozen graphs and finds their tensors."""

import tensorflow as tf


def import_graph(path):
    """The graph of a file."""
    definition = tf.GraphDef()
    with tf.gfile.GFile(path, "rb") as file:
        definition.ParseFromString(file.read())
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(definition, name="")
    return graph


def tensor(graph, name):
    """The only output of the operation `name`; KeyError when it does not exist."""
    return graph.get_tensor_by_name(name + ":0")
