"""Which runtime runs the detector: ONNX Runtime when there is an ONNX model for it, TensorFlow otherwise."""

import logging
from importlib.util import find_spec
from pathlib import Path

from detector import Detector

FROZEN_GRAPH = "frozen_inference_graph.pb"
ONNX_MODEL = "model.onnx"

_LOG = logging.getLogger(__name__)


def load_detector(directory: Path, threads: int) -> Detector:
    """The detector in `directory`, ready to run. Only the runtime that is used is imported.

    Raises:
        FileNotFoundError: there is no model that a runtime of this image can run.
        ValueError: the file is not what its name says.
    """
    onnx, graph = directory / ONNX_MODEL, directory / FROZEN_GRAPH
    if onnx.is_file():
        if find_spec("onnxruntime"):
            from onnx_model import OnnxModel  # noqa: PLC0415 - an image may hold one of the runtimes only

            _LOG.info("%s is run by ONNX Runtime with %d threads", ONNX_MODEL, threads)
            return OnnxModel(onnx, threads)
        _LOG.warning("%s is there, but this image has no onnxruntime; looking for %s", ONNX_MODEL, FROZEN_GRAPH)
    if not graph.is_file():
        raise FileNotFoundError(f"there is neither {ONNX_MODEL} with its runtime nor {FROZEN_GRAPH} in {directory}")
    if not find_spec("tensorflow"):
        raise FileNotFoundError(
            f"{graph} needs TensorFlow, which this image does not have: "
            f"export {ONNX_MODEL} too (spec.export.formats: [FrozenGraph, ONNX]), or build on the TensorFlow base"
        )
    from frozen_graph import FrozenGraph  # noqa: PLC0415 - as above

    _LOG.info("%s is run by TensorFlow with %d threads", FROZEN_GRAPH, threads)
    return FrozenGraph(graph, threads)
