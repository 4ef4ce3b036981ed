"""The ONNX model: the same detector, converted, loaded by ONNX Runtime and run on pictures."""

from pathlib import Path
from typing import Any

import onnxruntime

from detector import INPUT, OUTPUTS, Detected, lacking, split


class OnnxModel:
    """A detector on ONNX Runtime, ready to run."""

    def __init__(self, path: Path, threads: int) -> None:
        """Loads the model at `path`; each operation uses `threads` threads.

        Raises:
            ValueError: the file is not an ONNX model, or not that of a detector exported for `image_tensor`.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Threads that spin while they wait would take cores from the threads that decode pictures.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common base class
            raise ValueError(f"{path} is not a model that ONNX Runtime can load: {error}") from error
        # Converters keep TensorFlow's tensor names (`name:0`) or shorten them to the operation's name.
        tensors = [*self._session.get_inputs(), *self._session.get_outputs()]
        self._names = {tensor.name.removesuffix(":0"): tensor.name for tensor in tensors}
        problem = lacking(path, list(self._names))
        if problem:
            raise ValueError(problem)

    @property
    def max_batch(self) -> int | None:
        """See `Detector`."""
        (size,) = (one.shape[0] for one in self._session.get_inputs() if one.name == self._names[INPUT])
        return size if isinstance(size, int) else None

    @property
    def gains_from_batches(self) -> bool:
        """See `Detector`. A batch saves hardly any time, and a single run leaves cores idle between its operations."""
        return False

    def run(self, pictures: Any) -> list[Detected]:  # noqa: ANN401 - numpy's types are no dependency of the checks
        """See `Detector`."""
        found = self._session.run([self._names[name] for name in OUTPUTS], {self._names[INPUT]: pictures})
        return split(dict(zip(OUTPUTS, found, strict=True)))
