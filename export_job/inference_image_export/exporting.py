"""Calls the exporter of the Object Detection API: checkpoint and pipeline config in, frozen graph out."""

import contextlib
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inference_image_contract.text_encoding import EncodingError, decode
from inference_image_export import failures
from inference_image_export.fetch import Source


@dataclass(frozen=True)
class Output:
    """The files of an export on this disk."""

    graph: Path
    pipeline_config: Path | None = None
    """The config as the API parsed it, for reference; None for an imported graph."""


def export(source: Source, input_type: str, folder: Path) -> Output:
    """Exports into `folder`, which must not exist: the exporter rejects a folder with an earlier export.

    Raises StageError: `PipelineConfigInvalid` (with the line), `ExportFailed`.
    """
    from object_detection import exporter  # import first: it switches TensorFlow to version 1 behaviour
    from tensorflow.compat import v1 as tf

    tf.logging.set_verbosity(tf.logging.ERROR)  # hides a page of deprecation warnings that nobody here can act on
    config = _read_config(source)
    try:
        with tf.Graph().as_default(), _graph_only(exporter):
            # Code of TensorFlow 1, which had no AutoGraph: without it the graph is the same, byte for byte, and sooner.
            unconverted = tf.autograph.experimental.do_not_convert(exporter.export_inference_graph)
            unconverted(input_type, config, str(source.checkpoint_prefix), str(folder))
    except OSError:  # an error of the disk, not of the model: the code below does not explain it
        raise
    except Exception as error:
        traceback.print_exc(file=sys.stderr)
        raise failures.export_failure(error, source, _variable(error)) from error
    return Output(folder / "frozen_inference_graph.pb", folder / "pipeline.config")


@contextlib.contextmanager
def _graph_only(exporter: Any) -> Iterator[None]:  # noqa: ANN401 - a module, untyped
    """Keeps the exporter from writing unused files: another copy of the checkpoint, and a SavedModel.

    `saved_model` writes a SavedModel from the finished graph on request. The frozen graph depends on neither.
    """
    written = {name: getattr(exporter, name) for name in ("write_graph_and_checkpoint", "write_saved_model")}
    for name in written:
        setattr(exporter, name, lambda *_, **__: None)
    try:
        yield
    finally:
        for name, function in written.items():
            setattr(exporter, name, function)


def _read_config(source: Source) -> Any:  # noqa: ANN401 - a protobuf message, untyped
    from google.protobuf import text_format
    from object_detection.protos import pipeline_pb2

    try:
        text = decode(source.pipeline_config.read_bytes())
        return text_format.Parse(text, pipeline_pb2.TrainEvalPipelineConfig())
    except (text_format.ParseError, EncodingError) as error:
        raise failures.config_failure(str(error), source.pipeline_config_key) from error


def _variable(error: Exception) -> str:
    """The name of the variable of a failed assignment; TensorFlow's text names only the assignment."""
    operation = getattr(error, "op", None)
    if operation is None or operation.type != "Assign":
        return ""
    return str(operation.inputs[0].op.name)
