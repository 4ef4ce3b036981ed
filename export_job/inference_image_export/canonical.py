"""Canonical protobuf: maps in a fixed order, so that equal graphs give equal bytes."""

from pathlib import Path
from typing import Any

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason
from inference_image_export import program


def read_graph(path: Path) -> Any:  # noqa: ANN401 - a protobuf message, untyped
    """The GraphDef in a file, of allowed ops only: everything that runs a graph reads it here.

    Raises StageError: `GraphInvalid` for any other content, `GraphUnsafe` for a graph that `program` refuses.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.compat import v1 as tf

    program.check_size(path.stat().st_size)
    try:
        graph = tf.GraphDef.FromString(path.read_bytes())
    except DecodeError as error:
        raise StageError(
            Reason.GRAPH_INVALID,
            f"This is not a frozen graph: {error}.",
            "Use a file from `export_inference_graph` or `freeze_graph` (frozen_inference_graph.pb).",
        ) from error
    program.check(graph)
    return graph


def write(message: Any, path: Path) -> None:  # noqa: ANN401 - a protobuf message, untyped
    """Writes a message; equal messages become equal bytes in every process."""
    path.write_bytes(message.SerializeToString(deterministic=True))
