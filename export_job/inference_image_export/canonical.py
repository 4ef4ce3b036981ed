"""One form for equal graphs: protobuf messages with maps in a fixed order, so that equal input gives equal bytes."""

from pathlib import Path
from typing import Any

from inference_image_contract.errors import StageError
from inference_image_contract.reasons import Reason


def read_graph(path: Path) -> Any:  # noqa: ANN401 - a protobuf message, untyped
    """The GraphDef in a file.

    Raises StageError (`GraphInvalid`) when it is none.
    """
    from google.protobuf.message import DecodeError
    from tensorflow.compat import v1 as tf

    try:
        return tf.GraphDef.FromString(path.read_bytes())
    except DecodeError as error:
        raise StageError(
            Reason.GRAPH_INVALID,
            f"This is not a frozen graph: {error}.",
            "Name a file that `export_inference_graph` or `freeze_graph` wrote (frozen_inference_graph.pb).",
        ) from error


def write(message: Any, path: Path) -> None:  # noqa: ANN401 - a protobuf message, untyped
    """Writes a message: equal messages as equal bytes, whatever the process."""
    path.write_bytes(message.SerializeToString(deterministic=True))
