"""Chooses the detector's runtime: ONNX Runtime for an ONNX model, else TensorFlow."""

import logging
from importlib.util import find_spec
from pathlib import Path

from detector import Detector

FROZEN_GRAPH = "frozen_inference_graph.pb"
ONNX_MODEL = "model.onnx"

_LOG = logging.getLogger(__name__)


def load_detector(directory: Path, threads: int) -> Detector:
    """The detector in `directory`, ready to run. Imports only the runtime that it uses.

    Raises:
        FileNotFoundError: no runtime of this image can run a model in the directory.
        ValueError: the file's content does not match its name.
    """
    onnx, graph = directory / ONNX_MODEL, directory / FROZEN_GRAPH
    if onnx.is_file():
        if find_spec("onnxruntime"):
            from onnx_model import OnnxModel  # noqa: PLC0415 - an image may contain only one runtime

            _LOG.info("ONNX Runtime runs %s with %d threads", ONNX_MODEL, threads)
            return OnnxModel(onnx, threads)
        _LOG.warning("%s exists, but this image has no onnxruntime; trying %s", ONNX_MODEL, FROZEN_GRAPH)
    if not graph.is_file():
        raise FileNotFoundError(f"{directory} has neither {ONNX_MODEL} (with onnxruntime) nor {FROZEN_GRAPH}")
    if not find_spec("tensorflow"):
        raise FileNotFoundError(
            f"{graph} needs TensorFlow, which this image does not have: "
            f"export {ONNX_MODEL} too (spec.export.formats: [FrozenGraph, ONNX]), or build on the TensorFlow base"
        )
    from frozen_graph import FrozenGraph  # noqa: PLC0415 - as above

    _LOG.info("TensorFlow runs %s with %d threads", FROZEN_GRAPH, threads)
    return FrozenGraph(graph, threads)
