"""The frozen graph: an exported detector, loaded by TensorFlow and run on pictures."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError

from detector import INPUT, OUTPUTS, Detected, lacking, split

tf1 = tf.compat.v1


class FrozenGraph:
    """A detector on TensorFlow, ready to run. Safe to use from several threads."""

    def __init__(self, path: Path, threads: int) -> None:
        """Loads the graph at `path`; `threads` applies within an operation and between operations.

        Raises:
            ValueError: the file is not a graph, or not that of a detector exported for `image_tensor`.
        """
        definition = tf1.GraphDef()
        try:
            definition.ParseFromString(path.read_bytes())
        except DecodeError as error:
            raise ValueError(f"{path} is not a frozen graph: {error}") from error
        problem = lacking(path, [node.name for node in definition.node])
        if problem:
            raise ValueError(problem)
        graph = tf.Graph()
        with graph.as_default():
            tf1.import_graph_def(definition, name="")
        self._input = graph.get_tensor_by_name(f"{INPUT}:0")
        self._outputs = {name: graph.get_tensor_by_name(f"{name}:0") for name in OUTPUTS}
        options = tf1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=threads)
        # The graph optimizer (Grappler) copies the weights, 940 MB for a ResNet-101, and makes no answer faster.
        options.graph_options.rewrite_options.disable_meta_optimizer = True
        self._session = tf1.Session(graph=graph, config=options)

    @property
    def max_batch(self) -> int | None:
        """See `Detector`."""
        size: int | None = self._input.shape.as_list()[0]
        return size

    @property
    def gains_from_batches(self) -> bool:
        """See `Detector`."""
        return True

    def run(self, pictures: Any) -> list[Detected]:  # noqa: ANN401 - numpy's types are no dependency of the checks
        """See `Detector`."""
        return split(self._session.run(self._outputs, {self._input: pictures}))
